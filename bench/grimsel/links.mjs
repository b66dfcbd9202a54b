/**
 * A buffer that fills, from the moment when it is too full until every file is a link:
 * node links.mjs BUFFER TARGET JOURNAL FILLER FILLER_BYTES
 *
 * FILLER is a file on the buffer's file system, outside the buffer. It brings the fill state over the limit; nothing
 * that is released brings it below the low-water mark again, so all goes.
 */
import { execFileSync } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { watchSelf } from '../self.mjs'
import { addAll, filesBelow, openGrimsel, tell, warmUp } from './world.mjs'

const [, , buffer = '', target = '', journal = '', filler = '', bytes = ''] = process.argv
const place = { buffer, target, journal }
await warmUp(place, {
  policy: { name: 'warm-up', release: () => ({ when: 'copied', by: 'link' }), shiftEnd: () => 'clear' },
})
const paths = filesBelow(buffer)
const { grimsel, messages } = await openGrimsel(place, { space: { limit: 0.6, lowWater: 0 }, volumeInterval: 50 })
await addAll(grimsel, paths)
await grimsel.idle()
const links = () => grimsel.status().tiers[0]?.links ?? 0
if (links() > 0) throw new Error(`${links()} files were released before the buffer was full`)

const stop = await watchSelf()
execFileSync('fallocate', ['-l', bytes, filler])
while (links() < paths.length) await sleep(5)
const told = stop()

await grimsel.close('stop')
await rm(filler)
await rm(journal, { recursive: true })
const errors = messages.filter(({ code }) => code === 'LINK_ERROR' || code === 'DEL_ERROR' || code === 'COPY_ERROR')
if (errors.length > 0) throw new Error(errors.map(({ text }) => text).join('; '))
tell(told)
