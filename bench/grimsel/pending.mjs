/**
 * Files that wait, many of them:  node --expose-gc pending.mjs STEP BUFFER TARGET JOURNAL FILES
 *
 * - `announce`: all files of the buffer are announced to a Grimsel whose storage is paused;
 * - `resume`: it is opened again, until the status shows them;
 * - `copy`: it is opened once more, and all is copied. Tells also what memory it keeps when all was given back.
 */
import { rm } from 'node:fs/promises'
import { restingMemory, watchSelf } from '../self.mjs'
import { addAll, filesBelow, openGrimsel, tell } from './world.mjs'

const [, , step = '', buffer = '', target = '', journal = '', count = ''] = process.argv
const files = Number(count)
const place = { buffer, target, journal }

/** None may be missing. @param {import('susten').Grimsel} grimsel @param {boolean} pending Those that wait count too. */
function check(grimsel, pending) {
  const [disk] = grimsel.status().storages
  const found = (disk?.copied ?? 0) + (pending ? (disk?.pending ?? 0) : 0)
  if (found !== files) throw new Error(`${step}: the Grimsel knows of ${found} of ${files} files`)
}

switch (step) {
  case 'announce': {
    const { grimsel } = await openGrimsel(place)
    grimsel.pause()
    // The names are not the Grimsel's memory: one directory after the other.
    const stop = await watchSelf()
    for (const paths of byDirectory()) await addAll(grimsel, paths)
    const told = stop()
    check(grimsel, true)
    await grimsel.close('stop')
    tell(told)
    break
  }
  case 'resume': {
    const stop = await watchSelf()
    const { grimsel } = await openGrimsel(place)
    check(grimsel, true)
    const told = stop()
    await grimsel.close('stop')
    tell(told)
    break
  }
  case 'copy': {
    const stop = await watchSelf()
    const { grimsel } = await openGrimsel(place)
    await grimsel.idle()
    const told = stop()
    check(grimsel, false)
    // What is copied lies on the buffer still, and may have to be given back: it is known until it was.
    await grimsel.changeUser({ uid: 0, gid: 0 })
    await grimsel.idle()
    const restRssBytes = await restingMemory()
    await grimsel.close()
    await rm(journal, { recursive: true })
    tell({ ...told, restRssBytes })
    break
  }
  default:
    throw new Error(`pending.mjs ${step}: give announce, resume or copy`)
}

/** The paths of the buffer's files, a directory's at a time. @returns {Generator<string[]>} */
function* byDirectory() {
  for (let first = 0; first < files; first += 1000) {
    yield filesBelow(`${buffer}/series_${String(first / 1000).padStart(4, '0')}`)
  }
}
