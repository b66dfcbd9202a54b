/** What a Grimsel tells, in the log and at the message port. */
import { type Log, levelOf } from '../../log/index.js'
import type { GrimselConfig } from '../config/index.js'
import type { MessagePublisher } from '../ports/index.js'
import type { Grimsel } from '../types.js'
import { portMessage } from './messages.js'

/** @param onFailure Told why the Grimsel can't go on. */
export function report(
  grimsel: Grimsel,
  config: GrimselConfig,
  log: Log,
  messages: MessagePublisher,
  onFailure: (error: unknown) => void,
): void {
  grimsel.on('message', (message) => {
    const { code, severity, storage, subject, count, text } = message
    log[levelOf[severity]]({ event: 'message', code, storage, subject, count }, text)
    const published = portMessage(config, message)
    if (published !== undefined) messages.publish(published)
  })
  grimsel.on('failed', ({ storage, path, dest, attempts, error }) => {
    log.error({ event: 'failed', storage, path, dest, attempts, err: error }, 'given up until it is retried')
  })
  grimsel.on('error', ({ error }) => {
    log.error({ event: 'error', err: error }, 'an error outside of single files')
    // Nothing is announced: only whether anything still could be is asked.
    grimsel.add([]).catch(onFailure)
  })
}
