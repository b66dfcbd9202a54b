/** The control socket of a daemon. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { posix } from 'node:path'
import { SustenError } from '../errors.js'
import { checkFunction, checkInteger, checkNames, optionError } from '../options.js'
import { type Connection, serveConnection } from './connection.js'
import { errorLine } from './messages.js'
import type { Method } from './methods.js'
import { type Allow, checkAllow, isAllowed, type Peer, peerOf } from './peer.js'
import { placeSocket } from './place.js'

/** Options of {@link openControl}. */
export interface ControlOptions {
  /** Where the socket is to be. */
  readonly path: string
  readonly methods: Readonly<Record<string, Method>>
  /** Who may call besides root and this process's user. Default: nobody. */
  readonly allow?: Allow
  /** Bytes of a request. Default 256 KiB. */
  readonly maxLine?: number
  /** Told of callers that were turned away. `caller` is missing where the kernel couldn't say who it was. */
  readonly onRefused?: (caller: Peer | undefined, error: SustenError) => void
}

/** An open control socket. */
export interface Control extends AsyncDisposable {
  readonly path: string
  /** Takes no more calls, ends streams, answers what was asked (for at most a second), and removes the socket. */
  close(): Promise<void>
}

const names = ['path', 'methods', 'allow', 'maxLine', 'onRefused']
/** Connections of one user, so that none keeps the others out. */
const mostOfOne = 32
const mostOfAll = 256
/** Milliseconds for the last answers. */
const grace = 1000

/**
 * Listens on a Unix socket for calls by `callControl`. Who calls is asked of the kernel before a byte is read.
 * @throws SustenError `ERR_SUSTEN_OPTION`, `ERR_SUSTEN_LOCKED` or `EADDRINUSE` if another process listens there,
 *   `EEXIST` or `EPERM` where something else is in its place or the directory isn't safe; or what the system says
 */
export async function openControl(options: ControlOptions): Promise<Control> {
  checkNames('openControl', options, names)
  const { methods, maxLine = 256 * 1024, onRefused = () => {} } = options
  if (typeof options.path !== 'string' || options.path === '' || options.path.includes('\0')) {
    throw optionError("option 'path' must be a path")
  }
  const path = posix.resolve(options.path)
  const allow = checkAllow(options.allow ?? {})
  const limit = checkInteger('maxLine', maxLine, 1024, 2 ** 26)
  checkFunction('onRefused', onRefused)
  const byName = checkMethods(methods)
  /** With the users' numbers. */
  const connections = new Map<Connection, number>()
  let closing: Promise<void> | undefined

  function onConnection(socket: Socket): void {
    // What fails on a connection closes it, and that is all there is to do.
    socket.on('error', () => {})
    let caller: Peer | undefined
    try {
      caller = peerOf(socket)
      check(caller)
    } catch (error) {
      refuse(socket, caller, error)
      return
    }
    const connection = serveConnection(socket, { caller, methods: byName, maxLine: limit })
    connections.set(connection, caller.uid)
    socket.once('close', () => connections.delete(connection))
  }

  function check(caller: Peer): void {
    if (!isAllowed(caller, allow)) throw turnedAway('EACCES', `user ${caller.uid} may not use the control socket`)
    const others = [...connections.values()].filter((uid) => uid === caller.uid).length
    if (others >= mostOfOne) throw turnedAway('EBUSY', `user ${caller.uid} has ${others} connections already`)
  }

  const turnedAway = (code: string, why: string): SustenError =>
    new SustenError(`${why} '${path}'`, { code, syscall: 'accept', path })

  function refuse(socket: Socket, caller: Peer | undefined, error: unknown): void {
    socket.setTimeout(grace, () => socket.destroy())
    socket.end(errorLine(null, 'request', error), () => socket.destroy())
    if (error instanceof SustenError) onRefused(caller, error)
  }

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, onConnection)
  server.on('error', () => {}) // One that fails to be accepted is its caller's loss, not the daemon's.
  server.maxConnections = mostOfAll
  const remove = await placeSocket(server, path, allow)

  async function end(): Promise<void> {
    const closed = once(server, 'close')
    server.close()
    const open = [...connections.keys()]
    for (const connection of open) connection.finish()
    const late = setTimeout(() => {
      for (const connection of open) connection.destroy()
    }, grace)
    await closed
    clearTimeout(late)
    remove()
  }

  function close(): Promise<void> {
    closing ??= end()
    return closing
  }

  return { path, close, [Symbol.asyncDispose]: close }
}

function checkMethods(methods: Readonly<Record<string, Method>>): ReadonlyMap<string, Method> {
  if (typeof methods !== 'object' || methods === null) throw optionError("option 'methods' must be an object")
  const byName = new Map(Object.entries(methods))
  for (const [name, method] of byName) {
    const work: unknown = 'call' in method ? method.call : method.stream
    if (typeof work !== 'function') throw optionError(`method '${name}' must have a function 'call' or 'stream'`)
  }
  return byName
}
