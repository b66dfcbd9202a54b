/**
 * Descriptors that the supervisor keeps for the next process: FDSTORE of sd_notify(3), and how they come back,
 * sd_listen_fds(3).
 */
import { closeSync } from 'node:fs'
import { bytesOfText } from '../bytes.js'
import { fromThrown, type SustenError } from '../errors.js'
import { native } from '../native.js'
import { isRestarting } from './restarting.js'

export interface DescriptorStore {
  /**
   * Whether what is stored comes back, now that this process was told to end: it is restarted; or descriptors are kept
   * over a stop, too, as by systemd since version 254, with `FileDescriptorStorePreserve=yes`.
   */
  lasts(): Promise<boolean>
  /** The descriptor that an earlier process stored under a name: the caller's to close. Undefined: there is none. */
  take(name: string): number | undefined
  /** Stores one in place of what has the name. It is taken over, and closed once the supervisor has its copy. */
  put(name: string, fd: number): void
  remove(name: string): void
}

interface Message {
  readonly text: string
  readonly fd?: number
}

/** The first descriptor that is passed on. */
const firstFd = 3
/** Milliseconds until what couldn't be sent is tried again. */
const pause = 100

/**
 * Reads `NOTIFY_SOCKET`, `FDSTORE`, `LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES`; the last three are gone from `env`
 * then: they are for nobody else. Undefined where there is no supervisor. One that stores nothing doesn't mind.
 * @param onError Told what can't be sent.
 */
export function openStore(env: NodeJS.ProcessEnv, onError: (error: SustenError) => void): DescriptorStore | undefined {
  const socket = env['NOTIFY_SOCKET'] ?? ''
  const passed = passedOn(env)
  if (socket === '') {
    for (const fd of passed.values()) closeSync(fd)
    return undefined
  }
  const keepsOverStop = env['FDSTORE'] !== undefined
  /** In their order. */
  const waiting: Message[] = []

  function tell(message: Message): void {
    if (waiting.push(message) === 1) send()
  }

  function send(): void {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const { text, fd } = next
      try {
        native.notify(bytesOfText(socket), bytesOfText(text), fd)
      } catch (thrown) {
        const error = fromThrown(thrown)
        if (error.code === 'EAGAIN') {
          setTimeout(send, pause).unref()
          return
        }
        onError(error)
      }
      if (fd !== undefined) closeSync(fd)
      waiting.shift()
    }
  }

  const remove = (name: string): void => tell({ text: `FDSTOREREMOVE=1\nFDNAME=${name}\n` })
  return {
    lasts: async () => keepsOverStop || (await isRestarting()),
    take(name) {
      const fd = passed.get(name)
      passed.delete(name)
      return fd
    },
    put(name, fd) {
      remove(name)
      // A reading end whose writers have all gone is as good as any: it isn't to be let go of for that (FDPOLL).
      tell({ text: `FDSTORE=1\nFDNAME=${name}\nFDPOLL=0\n`, fd })
    },
    remove,
  }
}

/** By their names. What has none, or another's, is closed. */
function passedOn(env: NodeJS.ProcessEnv): Map<string, number> {
  const { LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: names = '' } = env
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete env[name]
  const passed = new Map<string, number>()
  if (pid !== String(process.pid) || count === undefined || !/^\d{1,4}$/.test(count)) return passed
  const known = names.split(':')
  for (let index = 0; index < Number(count); index++) {
    const [fd, name = ''] = [firstFd + index, known[index]]
    if (name === '' || passed.has(name)) closeSync(fd)
    else passed.set(name, fd)
  }
  return passed
}
