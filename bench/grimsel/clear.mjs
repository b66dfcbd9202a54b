/**
 * A user change, from the call until the old shift's files have left the buffer:  node clear.mjs BUFFER TARGET JOURNAL
 */
import { readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { watchSelf } from '../self.mjs'
import { addAll, filesBelow, openGrimsel, tell, warmUp } from './world.mjs'

const [, , buffer = '', target = '', journal = ''] = process.argv
const place = { buffer, target, journal }
await warmUp(place)
const { grimsel, messages } = await openGrimsel(place)
await grimsel.changeUser({ uid: 1234, gid: 1234 })
await addAll(grimsel, filesBelow(buffer))
await grimsel.idle()
/** @type {Promise<void>} */
const cleared = new Promise((resolve) => {
  grimsel.on('message', ({ code }) => {
    if (code === 'SHIFT_CLEARED') resolve()
  })
})

const stop = await watchSelf()
await grimsel.changeUser({ uid: 1235, gid: 1235 })
await Promise.all([cleared, grimsel.idle()])
const told = stop()

await grimsel.close()
await rm(journal, { recursive: true })
const errors = messages.filter(({ severity }) => severity === 'error')
const left = readdirSync(buffer)
if (left.length > 0 || errors.length > 0) throw new Error(`left: ${left}; ${errors.map(({ text }) => text)}`)
tell(told)
