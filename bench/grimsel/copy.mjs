/** Copies a tree through a Grimsel, from the first announcement until it is idle:  node copy.mjs SRC DEST JOURNAL */
import { mkdir, rm } from 'node:fs/promises'
import { watchSelf } from '../self.mjs'
import { addAll, filesBelow, openGrimsel, tell, warmUp } from './world.mjs'

const [, , buffer = '', target = '', journal = ''] = process.argv
const place = { buffer, target, journal }
// Left by one that failed.
await rm(journal, { recursive: true, force: true })
await warmUp(place)
await mkdir(target)
const paths = filesBelow(buffer)
const { grimsel, counts } = await openGrimsel(place)

const stop = await watchSelf()
await addAll(grimsel, paths)
await grimsel.idle()
const told = stop()

await grimsel.close()
await rm(journal, { recursive: true })
if (counts.copied !== paths.length) throw new Error(`${counts.copied} of ${paths.length} files were told as copied`)
tell(told)
