/** Listens, and can stop for a while and come back on the same port. */
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { meaningOf } from '../../error-text.js'
import { SustenError } from '../../errors.js'

/** As nginx's; DECTRIS's client keeps its connection for the next request. */
const KEEP_ALIVE = 75_000
const TRIES = 50
const PAUSE = 20

export interface HttpListener {
  readonly port: number
  readonly url: string
  /** Ends all connections, and takes none for so many milliseconds. */
  interrupt(downtime: number): Promise<void>
  close(): Promise<void>
}

/** Key and certificate, in PEM. */
export interface TlsFiles {
  readonly key: string
  readonly cert: string
}

/** Where it listens; with `tls` it is HTTPS. */
export interface ListenOptions {
  readonly host: string
  readonly port: number
  readonly tls?: TlsFiles | undefined
}

/** @throws SustenError with the system's code if it can't listen. */
export async function listenHttp(options: ListenOptions, onRequest: RequestListener): Promise<HttpListener> {
  const { host, tls } = options
  let server = await start(options, onRequest)
  const closing = new AbortController()
  const { signal } = closing
  const { port: found } = server.address() as AddressInfo

  async function stop(): Promise<void> {
    const stopped = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await stopped
  }

  return {
    port: found,
    url: `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${found}`,
    async interrupt(downtime) {
      await stop()
      await sleep(downtime, undefined, { signal }).catch(() => {})
      // Another program may have taken the port for a moment.
      for (let tries = 1; !signal.aborted; tries++) {
        try {
          server = await start({ ...options, port: found }, onRequest)
          break
        } catch (error) {
          if (tries === TRIES) throw error
          await sleep(PAUSE)
        }
      }
      // Closed while it started.
      if (signal.aborted) await stop()
    },
    async close() {
      closing.abort()
      await stop()
    },
  }
}

function start({ host, port, tls }: ListenOptions, onRequest: RequestListener): Promise<Server> {
  const times = { keepAliveTimeout: KEEP_ALIVE, requestTimeout: 0 }
  const server = tls === undefined ? createServer(times, onRequest) : createTlsServer({ ...times, ...tls }, onRequest)
  server.on('connection', (socket: Socket) => socket.setNoDelay(true))
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const { code = 'ERR_SUSTEN_OPTION', errno = 0, syscall = 'listen' } = cause
      const what = meaningOf(code, errno) || cause.message
      reject(new SustenError(`can't listen at ${host} port ${port}: ${code}: ${what}`, { code, errno, syscall, cause }))
    })
    server.listen({ host, port }, () => {
      server.removeAllListeners('error')
      server.on('error', () => {})
      resolve(server)
    })
  })
}
