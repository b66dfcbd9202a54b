/** What a Furka tells, in the log. */
import { type Log, levelOf } from '../../log/index.js'
import type { Furka } from '../types.js'

/** @param onFailure Told why the Furka can't go on. */
export function report(furka: Furka, log: Log, onFailure: (error: unknown) => void): void {
  furka.on('message', ({ code, severity, source, subject, count, text }) => {
    log[levelOf[severity]]({ event: 'message', code, source, subject, count }, text)
  })
  furka.on('userChanged', ({ uid, gid, userDirectory, turn }) => {
    log.info({ event: 'userChanged', uid, gid, userDirectory, turn }, `files belong to uid ${uid} from now on`)
  })
  furka.on('error', ({ error }) => {
    log.error({ event: 'error', err: error }, 'an error outside of single files')
    // Nothing is waited for: only whether anything still could be is asked.
    const asking = new AbortController()
    furka.idle({ signal: asking.signal }).catch((why: unknown) => {
      if (!isAbort(why)) onFailure(why)
    })
    asking.abort()
  })
}

const isAbort = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ABORT_ERR'
