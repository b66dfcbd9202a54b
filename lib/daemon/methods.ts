/** What every daemon can be asked by its control socket. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Method } from '../control/index.js'
import { checkInterval, checkNone, checkNow } from './params.js'
import type { DaemonBasics } from './status.js'

/** @param stop Told what isn't waited for, and who asked. */
export function commonMethods(
  status: () => DaemonBasics,
  stop: (now: boolean, by: number) => void,
): Readonly<Record<string, Method>> {
  return {
    version: {
      call(params) {
        checkNone('version', params)
        const { version, pid, phase } = status()
        return { version, pid, phase }
      },
    },
    status: {
      call(params) {
        checkNone('status', params)
        return status()
      },
    },
    watch: { stream: (params, { signal }) => statuses(status, checkInterval(params), signal) },
    stop: {
      call(params, { caller }) {
        stop(checkNow(params), caller.uid)
        return { pid: process.pid }
      },
    },
  }
}

/** At once, and after each interval. */
async function* statuses(
  status: () => DaemonBasics,
  interval: number,
  signal: AbortSignal,
): AsyncGenerator<DaemonBasics> {
  while (!signal.aborted) {
    yield status()
    await sleep(interval, undefined, { signal, ref: false }).catch(() => {})
  }
}
