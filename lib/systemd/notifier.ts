/** Tells the supervisor that started this process how it is: sd_notify(3)'s protocol, which others know, too. */
import { bytesOfText } from '../bytes.js'
import { fromThrown, type SustenError } from '../errors.js'
import { native } from '../native.js'

export interface Notifier {
  /** Milliseconds after which the supervisor takes a process that hasn't said {@link alive} for dead, if it does. */
  readonly patience: number | undefined
  ready(): void
  stopping(): void
  /** One line that says what is going on. */
  status(text: string): void
  alive(): void
  close(): void
}

/** Milliseconds until what couldn't be sent is tried again. */
const pause = 100

/**
 * Reads where to tell it from `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`. Without the first nothing is told.
 * What is told is sent at once, or a moment later: nobody waits.
 * @param onError Told once of each kind of error: it is of no use to anybody but the log.
 */
export function openNotifier(env: Readonly<NodeJS.ProcessEnv>, onError: (error: SustenError) => void): Notifier {
  const socket = env['NOTIFY_SOCKET'] ?? ''
  /** What is still to be told, by name: of each the newest counts. */
  const waiting = new Map<string, string>()
  const told = new Set<string>()
  let timer: NodeJS.Timeout | undefined

  function tell(name: string, value: string): void {
    if (socket === '') return
    waiting.set(name, value)
    if (timer === undefined) send()
  }

  function send(): void {
    timer = undefined
    const text = [...waiting].map(([name, value]) => `${name}=${value}\n`).join('')
    try {
      native.notify(bytesOfText(socket), bytesOfText(text))
      waiting.clear()
    } catch (thrown) {
      const error = fromThrown(thrown)
      if (error.code === 'EAGAIN') {
        timer = setTimeout(send, pause).unref()
        return
      }
      waiting.clear()
      if (told.has(error.code)) return
      told.add(error.code)
      onError(error)
    }
  }

  return {
    patience: socket === '' ? undefined : patienceOf(env),
    ready: () => tell('READY', '1'),
    stopping: () => tell('STOPPING', '1'),
    status: (text) => tell('STATUS', text.replaceAll('\n', ' ')),
    alive: () => tell('WATCHDOG', '1'),
    close: () => clearTimeout(timer),
  }
}

function patienceOf(env: Readonly<NodeJS.ProcessEnv>): number | undefined {
  const pid = env['WATCHDOG_PID']
  if (pid !== undefined && pid !== String(process.pid)) return undefined
  const microseconds = Number(env['WATCHDOG_USEC'])
  return Number.isSafeInteger(microseconds) && microseconds > 0 ? microseconds / 1000 : undefined
}
