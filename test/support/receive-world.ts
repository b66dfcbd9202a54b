/** Servers to receive from, well-behaved and not, and an engine to receive with. */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createNetServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { type ByteString, bytesOfText } from '#lib/bytes.js'
import { type Engine, type EngineOptions, openEngine, type ReceiveJob } from '#lib/engine/index.js'
import type { NativeReceiveFile, NativeReceiveResult } from '#lib/native.js'
import { leftovers, scratch } from './tree.js'

/** A server on loopback that ends with the test. */
export interface TestServer {
  readonly port: number
  /** How many connections have been made to it. */
  connections(): number
  /** Refuses new connections. */
  stop(): void
}

async function listening(t: TestContext, server: Server): Promise<TestServer> {
  const sockets = new Set<Socket>()
  let count = 0
  server.on('connection', (socket) => {
    count++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {}) // the other end went away: often what is wanted
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = (): void => void server.close()
  t.after(() => {
    stop()
    for (const socket of sockets) socket.destroy()
  })
  return { port: (server.address() as AddressInfo).port, connections: () => count, stop }
}

/** Node's own HTTP server. */
export function httpServer(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<TestServer> {
  return listening(t, createServer(answer))
}

/** A request as it came: its text, the how-manieth of the server and of its connection, both from 0. */
export interface RawRequest {
  readonly text: string
  readonly number: number
  readonly ofConnection: number
}

/** A server that answers each request with whatever bytes. */
export function rawServer(t: TestContext, answer: (socket: Socket, request: RawRequest) => void): Promise<TestServer> {
  let number = 0
  return listening(
    t,
    createNetServer((socket) => {
      let text = ''
      let ofConnection = 0
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1')
        for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
          const one = text.slice(0, end + 4)
          text = text.slice(end + 4)
          answer(socket, { text: one, number: number++, ofConnection: ofConnection++ })
        }
      })
    }),
  )
}

/** The header of an answer. */
export const header = (...lines: string[]): string => `${lines.join('\r\n')}\r\n\r\n`

/** Content that no part of which is like another. */
export function content(size: number): Buffer {
  const buffer = Buffer.alloc(size)
  for (let i = 0; i + 4 <= size; i += 4) buffer.writeUInt32LE(Math.imul(i + 1, 2654435761) >>> 0, i)
  return buffer
}

/** An engine and a directory to receive to. */
export interface ReceiveWorld {
  readonly engine: Engine
  readonly dest: string
  job(server: TestServer, files: readonly NativeReceiveFile[], more?: Partial<ReceiveJob>): ReceiveJob
  /** Receives one file, and looks that nothing temporary is left. */
  one(server: TestServer, more?: Partial<NativeReceiveFile>, job?: Partial<ReceiveJob>): Promise<NativeReceiveResult>
}

export async function receiveWorld(t: TestContext, options: EngineOptions = {}, at?: string): Promise<ReceiveWorld> {
  const dest = at ?? (await scratch(t))
  const engine = openEngine({ threads: 2, ...options })
  t.after(() => engine.close('cancel'))
  const job: ReceiveWorld['job'] = ({ port }, files, more = {}) => ({
    host: '127.0.0.1',
    port,
    destRoot: bytesOfText(dest),
    mode: 0o640,
    directoryMode: 0o750,
    durability: 'none',
    digest: true,
    timeouts: { connect: 10_000, header: 10_000, stall: 10_000, leastBytes: 1 },
    resumes: 0,
    files,
    ...more,
  })
  return {
    engine,
    dest,
    job,
    async one(server, more = {}, rest = {}) {
      const [result] = await engine.receive(job(server, [{ ...receivable('f'), ...more }], rest))
      assert.deepEqual(await leftovers(dest), [])
      return result ?? assert.fail()
    },
  }
}

/** A file of the same name on both sides. */
export function receivable(name: string): NativeReceiveFile {
  return { target: `/data/${name}`, dest: bytesOfText(name), existing: 'version' }
}

/** The value of an answer's field. */
export function fieldOf({ headers }: NativeReceiveResult, name: string): ByteString | undefined {
  const at = headers.findIndex((text, i) => i % 2 === 0 && text === name)
  return at < 0 ? undefined : headers[at + 1]
}
