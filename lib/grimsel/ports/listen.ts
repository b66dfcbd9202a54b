/** TCP servers on one port of some addresses, and a bounded set of clients. */
import { createServer, isIPv6, type Server, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { meaningOf } from '../../error-text.js'
import { SustenError } from '../../errors.js'
import { checkFunction, checkInteger, optionError } from '../../options.js'
import { dismiss, refusal } from './client.js'
import { originOf, whoGivesWay } from './places.js'

/** What both ports have in common. */
export interface PortOptions {
  /**
   * Addresses or names to listen at; `::` is every address, IPv4 too. Whoever can reach one can ask, and listen.
   * Default: this computer alone, `127.0.0.1` and `::1`; the latter is left out where there is no IPv6.
   */
  readonly host?: string | readonly string[] | undefined
  /** TCP port; 0 takes a free one. */
  readonly port?: number | undefined
  /** Clients at the same time, 1…10,000; see `whoGivesWay` for what happens with more. Default 128. */
  readonly maxConnections?: number | undefined
  /**
   * Milliseconds, 1…3,600,000, that a client may take to send a request where one is due, or to take what is sent to
   * it. Default 30,000.
   */
  readonly timeout?: number | undefined
  /** Told what is wrong with the port itself, or with what it calls. Default: nobody is. */
  readonly onError?: ((error: unknown) => void) | undefined
}

/** The names of {@link PortOptions}. */
export const portOptionNames = ['host', 'port', 'maxConnections', 'timeout', 'onError'] as const

/** An open port. */
export interface Port extends AsyncDisposable {
  readonly port: number
  /** Addresses that it listens at, e.g. `127.0.0.1:47199` and `[::1]:47199`. */
  readonly addresses: readonly string[]
  /** How many clients there are. */
  readonly connections: number
  /** Takes no more clients, and resolves when those that are there are gone: a second later at most. */
  close(): Promise<void>
}

/** Complete {@link PortOptions}. */
export interface PortSettings {
  readonly hosts: readonly string[]
  readonly port: number
  readonly maxConnections: number
  readonly timeout: number
  readonly onError: (error: unknown) => void
}

/** What happens to clients. */
export interface Service {
  /** The configuration's name of the port, for messages. */
  readonly key: string
  /** The line that every connection begins with. */
  greeting(): string
  /** Called with each client, after the greeting. Who is served may not throw. */
  serve(socket: Socket): void
}

const loopback = ['127.0.0.1', '::1']
const attempts = 20

export function checkPort(options: PortOptions, usualPort: number): PortSettings {
  return {
    hosts: options.host === undefined ? loopback : checkHosts(options.host),
    port: checkInteger('port', options.port ?? usualPort, 0, 65_535),
    maxConnections: checkInteger('maxConnections', options.maxConnections ?? 128, 1, 10_000),
    timeout: checkInteger('timeout', options.timeout ?? 30_000, 1, 3_600_000),
    onError: checkFunction('onError', options.onError ?? (() => {})),
  }
}

function checkHosts(value: unknown): readonly string[] {
  const hosts: unknown[] = Array.isArray(value) ? value : [value]
  const given = hosts.filter((host): host is string => typeof host === 'string' && host !== '')
  if (given.length > 0 && given.length === hosts.length) return given
  throw optionError(`option 'host' must be an address or name, or a list of them, not ${inspect(value)}`)
}

/**
 * Listens.
 * @throws SustenError with the system's code, and a message that begins with the service's key: `EADDRINUSE` if another
 * program has the port, `EADDRNOTAVAIL` if this computer doesn't have the address, `EACCES`, `ENOTFOUND`…
 */
export async function listen(settings: PortSettings, service: Service): Promise<Port> {
  /** Clients and where they come from, in the order in which they came. */
  const sockets = new Map<Socket, string>()
  let closed: Promise<void> | undefined

  function accept(socket: Socket): void {
    // A client that is gone is nobody's failure.
    socket.on('error', () => socket.destroy())
    const address = socket.remoteAddress
    if (closed !== undefined || address === undefined) {
      socket.destroy()
      return
    }
    const origin = originOf(address)
    if (sockets.size >= settings.maxConnections && !makeRoom(origin)) {
      socket.write(service.greeting())
      socket.write(refusal('BUSY', `${settings.maxConnections} clients are connected; try again later`))
      socket.destroySoon()
      return
    }
    sockets.set(socket, origin)
    socket.on('close', () => sockets.delete(socket))
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 60_000)
    socket.write(service.greeting())
    service.serve(socket)
  }

  /** Ends a client for a new one. What it hasn't taken is dropped, but for what the system has of it already. */
  function makeRoom(origin: string): boolean {
    const leaving = whoGivesWay(sockets, origin)
    if (leaving === undefined) return false
    sockets.delete(leaving)
    if (leaving.writable) {
      const why = 'and this one has to make room for a new one; connect again later'
      leaving.write(refusal('BUSY', `${settings.maxConnections} clients are connected, ${why}`))
    }
    leaving.destroy()
    return true
  }

  const servers = await startAll(settings, service.key, accept, sockets)

  function close(): Promise<void> {
    closed ??= (async () => {
      const gone = [...sockets.keys()].map(
        (socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())),
      )
      const stopped = servers.map(stop)
      for (const socket of sockets.keys()) dismiss(socket)
      await Promise.all([...gone, ...stopped])
    })()
    return closed
  }

  const addresses = servers.map(addressOf)
  return {
    port: addresses[0]?.port ?? 0,
    addresses: addresses.map(({ address, port }) => (isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`)),
    get connections() {
      return sockets.size
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Starts a server on each address, all on one port. If one can't, none does, and clients that were quick are gone. */
async function startAll(
  settings: PortSettings,
  key: string,
  accept: (socket: Socket) => void,
  sockets: ReadonlyMap<Socket, string>,
): Promise<Server[]> {
  for (let attempt = 1; ; attempt++) {
    const servers: Server[] = []
    let [host, port] = ['', settings.port]
    try {
      for (host of settings.hosts) {
        const server = await start(host, port, accept).catch((error: unknown) => {
          if (!isSpare(host, error, settings)) throw error
          return undefined
        })
        if (server === undefined) continue
        server.on('error', settings.onError)
        servers.push(server)
        port = addressOf(server).port
      }
      return servers
    } catch (error) {
      const stopped = servers.map(stop)
      for (const socket of sockets.keys()) socket.destroy()
      await Promise.all(stopped)
      // A port that is free at one address may be taken at another.
      const again = settings.port === 0 && port !== 0 && attempt < attempts
      if (!again) throw portError(key, host, port, error)
    }
  }
}

function start(host: string, port: number, accept: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true }, accept)
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}

const stop = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()))

/** Where there is no IPv6, nobody misses `::1`, unless it was asked for. */
function isSpare(host: string, error: unknown, settings: PortSettings): boolean {
  const { code } = error as NodeJS.ErrnoException
  return settings.hosts === loopback && host === '::1' && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT')
}

function addressOf(server: Server): { address: string; port: number } {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has an address and a port')
  return address
}

function portError(key: string, host: string, port: number, cause: unknown): unknown {
  const { code, errno = 0, syscall = 'listen', message } = cause as NodeJS.ErrnoException
  if (code === undefined) return cause
  const hint: Readonly<Record<string, string>> = {
    EADDRINUSE: 'stop the program that has it, or choose another port',
    EADDRNOTAVAIL: 'this computer has no such address',
    EACCES: 'ports below 1024 are for root',
  }
  const what = meaningOf(code, errno) || message
  const advice = hint[code] === undefined ? '' : `; ${hint[code]}`
  return new SustenError(`${key}: can't listen at ${host} port ${port}: ${code}: ${what}${advice}`, {
    code,
    errno,
    syscall,
    cause,
  })
}
