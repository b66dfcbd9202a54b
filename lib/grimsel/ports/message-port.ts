/** The message port: tells its clients what an operator should know. */
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { inspect } from 'node:util'
import { checkInteger, checkNames } from '../../options.js'
import { dismiss, drained, line, refuse, send } from './client.js'
import { allNames, type MessageName, manualNames, messageCodes } from './codes.js'
import { createHistory, type Kept } from './history.js'
import { createLines, type Lines, parseObject } from './lines.js'
import { checkPort, listen, type Port, type PortOptions, portOptionNames } from './listen.js'
import { localTime, printable, printablePair } from './text.js'
import { createTurns } from './turns.js'

/** Told as `source:destination`. */
export interface CopyPaths {
  readonly source: string | Uint8Array
  readonly dest: string | Uint8Array
}

/** Something that an operator should know. */
export interface Message {
  readonly name: MessageName
  /**
   * What it is about, as {@link MessageName} says: text, or a path's bytes as they are. Of a copy: both paths, without
   * which nobody could tell which colon parts them.
   */
  readonly shortmessage: string | Uint8Array | CopyPaths
  /** A sentence for people. */
  readonly longmessage: string
  /** When it happened last, in milliseconds since the epoch. Default: now. */
  readonly time?: number | undefined
  /** How many times it happened since it was last told. Default 1. */
  readonly count?: number | undefined
  /** The storage concerned, if one is. */
  readonly storage?: string | undefined
}

export interface MessagePortOptions extends PortOptions {
  /** Default 47198. */
  readonly port?: number | undefined
  /** Milliseconds, 10…3,600,000, between two signs of life. Default 15,000. */
  readonly heartbeat?: number | undefined
  /** Messages, 1…100,000, that are kept for clients that are slow or were away; 2 MiB at most. Default 1000. */
  readonly history?: number | undefined
}

/** An open message port. */
export interface MessagePublisher extends Port {
  /** Tells a message to all who want it. Never waits for them: who is too slow misses some, and is told how many. */
  publish(message: Message): void
}

const usualPort = 47_198
/** Bytes of what a client sends. */
const maxRequest = 4096
const maxHistorySize = 2 * 1024 * 1024
/** Characters of messages that are sent at once, about. */
const piece = 16_384

/** A client: it has no queue, but a place in the history. */
interface Reader {
  readonly socket: Socket
  readonly lines: Lines
  wanted: ReadonlySet<MessageName>
  /** Number of the message that it is sent next. */
  next: number
  /** Messages that left the history before they could be sent. */
  lost: number
  /** It has asked for something, or isn't told all yet: it has its turn, or has to take what was sent before. */
  busy: boolean
  /** It has ended its side. */
  ended: boolean
}

/** What a client asks for. */
interface Subscription {
  readonly wanted: readonly MessageName[]
  /** The last message that it has. */
  readonly after: { readonly session: string; readonly seq: number } | undefined
}

/**
 * Opens the message port.
 * @throws SustenError `ERR_SUSTEN_OPTION`; `EADDRINUSE` and the like, with a message that names `message_port`
 */
export async function openMessagePort(options: MessagePortOptions = {}): Promise<MessagePublisher> {
  checkNames('openMessagePort', options, [...portOptionNames, 'heartbeat', 'history'])
  const settings = checkPort(options, usualPort)
  const { timeout } = settings
  const heartbeat = checkInteger('heartbeat', options.heartbeat ?? 15_000, 10, 3_600_000)
  const limit = checkInteger('history', options.history ?? 1000, 1, 100_000)
  /** Tells numbers of this run from those of another. */
  const session = randomBytes(8).toString('hex')
  const readers = new Set<Reader>()
  const turns = createTurns()
  const history = createHistory(limit, maxHistorySize, (dropped) => {
    for (const reader of readers) miss(reader, dropped)
  })

  function miss(reader: Reader, dropped: Kept): void {
    if (reader.next > dropped.seq) return
    reader.next = dropped.seq + 1
    if (reader.wanted.has(dropped.name)) reader.lost++
  }

  /** Sends a client some of what it hasn't got. False if there is nothing. */
  function tell(reader: Reader): boolean {
    if (reader.lost > 0) {
      send(reader.socket, { type: 'lost', count: reader.lost })
      reader.lost = 0
      return true
    }
    let text = ''
    while (text.length < piece) {
      const message = history.get(reader.next)
      if (message === undefined) break
      reader.next++
      if (reader.wanted.has(message.name)) text += message.line
    }
    if (text !== '') reader.socket.write(text)
    return text !== ''
  }

  /** Tells a client what came just now; one that is busy gets there by itself. */
  function tellNow(reader: Reader): void {
    if (reader.busy || !reader.socket.writable) return
    if (!reader.socket.writableNeedDrain) tell(reader)
    if (!reader.socket.writableNeedDrain) return
    reader.busy = true
    void wait(reader)
  }

  /** Goes on once a client has taken what was sent to it: one that doesn't take answers is heard no further. */
  async function wait(reader: Reader): Promise<void> {
    await drained(reader.socket, timeout)
    attend(reader)
  }

  /** Does what a client asks for, one thing in each of its turns; then tells it what it hasn't got. */
  function attend(reader: Reader): void {
    const { socket, lines } = reader
    reader.busy = true
    turns.add(() => {
      if (!socket.writable) return settle(reader)
      const request = lines.next()
      if (request !== undefined) hear(reader, request)
      else if (lines.overlong) refuse(socket, 'TOO_LONG', `a request has ${maxRequest} bytes at most`)
      else if (!tell(reader)) return settle(reader)
      if (!socket.writableNeedDrain) return true
      void wait(reader)
      return false
    })
  }

  /** It has been told all, and has asked for no more yet. */
  function settle(reader: Reader): false {
    reader.busy = false
    if (reader.ended) dismiss(reader.socket)
    else reader.socket.resume()
    return false
  }

  function hear(reader: Reader, request: string): void {
    const asked = parseSubscription(request)
    if (typeof asked === 'string') refuse(reader.socket, 'BAD_REQUEST', asked)
    else subscribe(reader, asked)
  }

  function serve(socket: Socket): void {
    const reader: Reader = {
      socket,
      lines: createLines(maxRequest),
      wanted: new Set(manualNames),
      next: history.newest + 1,
      lost: 0,
      busy: false,
      ended: false,
    }
    readers.add(reader)
    socket.on('close', () => readers.delete(reader))
    socket.on('end', () => {
      reader.ended = true
      if (!reader.busy) dismiss(socket)
    })
    socket.on('data', (chunk) => {
      reader.lines.feed(chunk)
      if (reader.busy) socket.pause()
      else attend(reader)
    })
  }

  function subscribe(reader: Reader, { wanted, after }: Subscription): void {
    reader.wanted = new Set(wanted)
    send(reader.socket, { type: 'subscribed', codes: wanted })
    if (after === undefined) return
    // Of another run it has seen nothing of what this one told.
    const seen = after.session === session ? Math.min(after.seq, history.newest) : 0
    reader.next = Math.max(seen + 1, history.oldest)
    reader.lost = reader.next - (seen + 1)
  }

  const port = await listen(settings, {
    key: 'message_port',
    greeting: () =>
      line({
        protocol: 'grimsel-messages',
        version: 1,
        session,
        seq: history.newest,
        heartbeat: heartbeat / 1000,
        codes: messageCodes,
      }),
    serve,
  })

  const alive = line({ type: 'alive' })
  const beat = setInterval(() => {
    for (const reader of readers) {
      const { socket } = reader
      if (socket.writable && !socket.writableNeedDrain) socket.write(alive)
      tellNow(reader)
    }
  }, heartbeat)

  let closed = false
  function close(): Promise<void> {
    closed = true
    clearInterval(beat)
    for (const reader of readers) {
      // What was told before the end is sent, to who takes it.
      while (reader.socket.writable && !reader.socket.writableNeedDrain && tell(reader));
    }
    return port.close()
  }

  return {
    port: port.port,
    addresses: port.addresses,
    get connections() {
      return port.connections
    },
    publish(message) {
      if (closed) return
      history.add(message.name, (seq) => messageLine(seq, message))
      for (const reader of readers) tellNow(reader)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function messageLine(seq: number, message: Message): string {
  const { name, shortmessage, longmessage, time = Date.now(), count = 1, storage } = message
  const short =
    typeof shortmessage === 'object' && 'source' in shortmessage
      ? printablePair(shortmessage.source, shortmessage.dest)
      : printable(shortmessage)
  return line({
    type: 'message',
    seq,
    errcode: messageCodes[name],
    name,
    shortmessage: short.text,
    ...(short.bytes && { shortbytes: short.bytes.toString('base64') }),
    longmessage: printable(longmessage).text,
    time: localTime(time),
    count,
    ...(storage !== undefined && { storage: printable(storage).text }),
  })
}

/** What a client asks for, or what is wrong with it. */
function parseSubscription(request: string): Subscription | string {
  const asked = parseObject(request)
  if (asked === undefined) return 'a request is a JSON object on one line'
  const { subscribe, after } = asked
  const wanted = parseNames(subscribe)
  if (wanted === undefined) return `subscribe must be 'manual', 'all', or a list of names, not ${inspect(subscribe)}`
  if (after === undefined) return { wanted, after }
  if (typeof after === 'object' && after !== null && 'session' in after && 'seq' in after) {
    const { session, seq } = after
    if (typeof session === 'string' && Number.isSafeInteger(seq) && Number(seq) >= 0) {
      return { wanted, after: { session, seq: Number(seq) } }
    }
  }
  return `after must be { session, seq }, not ${inspect(after)}`
}

/** Names that this server doesn't know are left out: a newer client may ask for them. */
function parseNames(subscribe: unknown): readonly MessageName[] | undefined {
  if (subscribe === 'manual') return manualNames
  if (subscribe === 'all') return allNames
  if (!Array.isArray(subscribe)) return undefined
  return allNames.filter((name) => subscribe.includes(name))
}
