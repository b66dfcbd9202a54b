/** The status port: how many files of each shift are pending, copied and failed on each storage. */
import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { inspect } from 'node:util'
import { checkFunction, checkNames } from '../../options.js'
import { dismiss, drained, line, refuse, send } from './client.js'
import { createLines, parseObject } from './lines.js'
import { checkPort, listen, type Port, type PortOptions, portOptionNames } from './listen.js'
import { localTime, printable } from './text.js'

/** The figures of one shift on one storage. */
export interface StatusEntry {
  /** When the shift began, in milliseconds since the epoch. */
  readonly usertime: number
  readonly uid: number
  readonly gid: number
  /** The storage's id. */
  readonly storage: string
  /** Numbers of files. */
  readonly pending: number
  readonly copied: number
  readonly failed: number
}

export interface StatusPortOptions extends PortOptions {
  /** Default 47199. */
  readonly port?: number | undefined
  /**
   * The figures as they are now, one entry for each shift and storage: newest shift first, storages in their order.
   * @param nusers Shifts that are asked for, the newest ones; -1 for all that are remembered.
   */
  readonly query: (nusers: number) => readonly StatusEntry[] | Promise<readonly StatusEntry[]>
}

/** The protocol's name and version; see docs/PROTOCOLS.md. */
const greeting = line({ protocol: 'grimsel-status', version: 1 })
const usualPort = 47_199
/** Bytes of a request. */
const maxRequest = 4096
/** Entries that are written in one turn of the event loop. */
const slice = 128

/**
 * Opens the status port.
 * @throws SustenError `ERR_SUSTEN_OPTION`; `EADDRINUSE` and the like, with a message that names `status_port`
 */
export async function openStatusPort(options: StatusPortOptions): Promise<Port> {
  checkNames('openStatusPort', options, [...portOptionNames, 'query'])
  const query = checkFunction('query', options.query)
  const settings = checkPort(options, usualPort)
  const { timeout, onError } = settings
  /** Clients without a request under way; who waits longest is first. */
  const waiting = new Set<Socket>()

  function serve(socket: Socket): void {
    const lines = createLines(maxRequest)
    let busy = false
    let ended = false
    let deadline: NodeJS.Timeout | undefined

    const rest = (): void => {
      waiting.add(socket)
      deadline = setTimeout(() => refuse(socket, 'TIMEOUT', `no request within ${timeout / 1000} s`), timeout)
    }
    const leave = (): void => {
      waiting.delete(socket)
      clearTimeout(deadline)
    }
    const finish = (): void => {
      leave()
      if (lines.begun) refuse(socket, 'BAD_REQUEST', 'the last line has no end')
      else dismiss(socket)
    }

    /** Answers what has come in, one request after the other. */
    const work = async (): Promise<void> => {
      busy = true
      for (let request = lines.next(); request !== undefined && socket.writable; request = lines.next()) {
        leave()
        await answer(socket, request)
        rest()
      }
      busy = false
      if (lines.overlong) {
        leave()
        refuse(socket, 'TOO_LONG', `a request has ${maxRequest} bytes at most`)
      } else if (ended || !socket.writable) {
        finish()
      } else {
        socket.resume()
      }
    }

    rest()
    socket.on('close', leave)
    socket.on('data', (chunk) => {
      lines.feed(chunk)
      if (busy) socket.pause()
      else void work()
    })
    socket.on('end', () => {
      ended = true
      if (!busy) finish()
    })
  }

  async function answer(socket: Socket, request: string): Promise<void> {
    const parsed = parseRequest(request)
    if (typeof parsed === 'string') {
      refuse(socket, 'BAD_REQUEST', parsed)
      return
    }
    try {
      const entries = await query(parsed.nusers)
      for (let at = 0; at < entries.length && socket.writable; at += slice) {
        const text = entries.slice(at, at + slice).map(entryLine)
        if (socket.write(text.join(''))) await turn()
        else await drained(socket, timeout)
      }
      send(socket, { type: 'end', entries: entries.length })
    } catch (error) {
      onError(error)
      refuse(socket, 'FAILED', "the status can't be told; the log says why")
    }
  }

  return listen(settings, {
    key: 'status_port',
    greeting: () => greeting,
    serve,
    dispensable() {
      const [longest] = waiting
      return longest
    },
  })
}

/** What is asked, or what is wrong with the question. */
function parseRequest(request: string): { nusers: number } | string {
  const asked = parseObject(request)
  if (asked === undefined) return 'a request is a JSON object on one line'
  if (asked['query'] !== 'status') return `unknown query ${inspect(asked['query'])}; known is 'status'`
  const nusers = asked['nusers'] ?? -1
  if (typeof nusers === 'number' && Number.isSafeInteger(nusers) && nusers >= -1) return { nusers }
  return `nusers must be a whole number from -1, not ${inspect(nusers)}`
}

function entryLine({ usertime, uid, gid, storage, pending, copied, failed }: StatusEntry): string {
  const id = printable(storage).text
  return line({ type: 'entry', usertime: localTime(usertime), uid, gid, storage: id, pending, copied, failed })
}
