/** The status port: how many files of each shift are pending, copied and failed on each storage. */
import type { Socket } from 'node:net'
import { inspect } from 'node:util'
import { checkFunction, checkInteger, checkNames } from '../../options.js'
import { dismiss, drained, line, refuse } from './client.js'
import { createLines, parseObject } from './lines.js'
import { checkPort, listen, type Port, type PortOptions, portOptionNames } from './listen.js'
import { createSnapshots, type StatusShifts } from './snapshots.js'
import { createTurns } from './turns.js'

export interface StatusPortOptions extends PortOptions {
  /** Default 47199. */
  readonly port?: number | undefined
  /** The figures as they are now: for each shift that is remembered, newest first, its storages in their order. */
  readonly query: () => StatusShifts
  /** Milliseconds, 0…60,000, for which all who ask are told the same figures. Default 100. */
  readonly maxAge?: number | undefined
}

/** The protocol's name and version; see docs/PROTOCOLS.md. */
const greeting = line({ protocol: 'grimsel-status', version: 1 })
const usualPort = 47_199
/** Bytes of a request. */
const maxRequest = 4096

/**
 * Opens the status port. However many ask, and however much: figures are found out once in {@link
 * StatusPortOptions.maxAge}, and answers are given in turn, half a millisecond's work at a time.
 * @throws SustenError `ERR_SUSTEN_OPTION`; `EADDRINUSE` and the like, with a message that names `status_port`
 */
export async function openStatusPort(options: StatusPortOptions): Promise<Port> {
  checkNames('openStatusPort', options, [...portOptionNames, 'query', 'maxAge'])
  const query = checkFunction('query', options.query)
  const settings = checkPort(options, usualPort)
  const { timeout, onError } = settings
  const snapshots = createSnapshots(query, checkInteger('maxAge', options.maxAge ?? 100, 0, 60_000))
  const turns = createTurns()
  let reported: unknown

  function serve(socket: Socket): void {
    const lines = createLines(maxRequest)
    /** What it is being told. */
    let answer: Iterator<string, void> | undefined
    let busy = false
    let ended = false
    let deadline: NodeJS.Timeout | undefined

    const rest = (): void => {
      deadline = setTimeout(() => refuse(socket, 'TIMEOUT', `no request within ${timeout / 1000} s`), timeout)
    }
    const leave = (): void => clearTimeout(deadline)
    const finish = (): void => {
      leave()
      if (lines.begun) refuse(socket, 'BAD_REQUEST', 'the last line has no end')
      else dismiss(socket)
    }

    /** A piece of an answer, or the beginning of the next one: requests are answered in their order. */
    const step = (): boolean => {
      if (!socket.writable) return settle()
      if (answer !== undefined) return tell(answer)
      const request = lines.next()
      if (request === undefined) return settle()
      leave()
      return begin(request)
    }

    const begin = (request: string): boolean => {
      const asked = parseRequest(request)
      if (typeof asked === 'string') {
        refuse(socket, 'BAD_REQUEST', asked)
        return false
      }
      try {
        answer = snapshots.latest().answer(asked.nusers)
        return true
      } catch (error) {
        return fail(error)
      }
    }

    const tell = (current: Iterator<string, void>): boolean => {
      try {
        const { value, done } = current.next()
        if (done) {
          answer = undefined
          rest()
        } else if (!socket.write(value)) {
          void drained(socket, timeout).then(() => turns.add(step))
          return false
        }
        return true
      } catch (error) {
        return fail(error)
      }
    }

    const fail = (error: unknown): boolean => {
      // Told once, however many ask meanwhile.
      if (error !== reported) onError(error)
      reported = error
      refuse(socket, 'FAILED', "the status can't be told; the log says why")
      return false
    }

    /** Nothing is left to answer at the moment. */
    const settle = (): boolean => {
      busy = false
      if (lines.overlong) {
        leave()
        refuse(socket, 'TOO_LONG', `a request has ${maxRequest} bytes at most`)
      } else if (ended || !socket.writable) {
        finish()
      } else {
        socket.resume()
      }
      return false
    }

    rest()
    socket.on('close', leave)
    socket.on('data', (chunk) => {
      lines.feed(chunk)
      if (busy) {
        socket.pause()
      } else {
        busy = true
        turns.add(step)
      }
    })
    socket.on('end', () => {
      ended = true
      if (!busy) finish()
    })
  }

  return listen(settings, { key: 'status_port', greeting: () => greeting, serve })
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
