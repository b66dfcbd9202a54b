/** Clients for tests of the ports, that do what no proper client does. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

export type Line = Readonly<Record<string, unknown>>

export interface RawClient {
  readonly socket: Socket
  /** The next line, as what it says; undefined when the connection is over. */
  next(): Promise<Line | undefined>
  /** Lines until the connection is over. */
  rest(): Promise<Line[]>
  /** Lines up to the first of a type, itself included. */
  upTo(type: string): Promise<Line[]>
}

/** Connects, and takes the greeting. */
export async function rawClient(t: TestContext, port: number, host = '127.0.0.1'): Promise<RawClient> {
  const client = reader(await connected(t, port, host))
  const greeting = await client.next()
  assert.equal(typeof greeting?.['protocol'], 'string', 'the server begins, with its protocol')
  return client
}

/** A connection that nobody reads from. */
export async function connected(t: TestContext, port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host })
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  socket.on('error', () => {})
  return socket
}

/** Reads from a connection, line by line. */
export function reader(socket: Socket): RawClient {
  const lines: string[] = []
  let [text, over] = ['', false]
  let wake = (): void => {}
  socket.setEncoding('utf8').on('data', (some: string) => {
    const parts = (text + some).split('\n')
    text = parts.pop() ?? ''
    lines.push(...parts)
    wake()
  })
  socket.on('close', () => {
    over = true
    wake()
  })

  async function next(): Promise<Line | undefined> {
    for (;;) {
      const line = lines.shift()
      if (line !== undefined) return JSON.parse(line) as Line
      if (over) {
        assert.equal(text, '', 'no line ends half way')
        return undefined
      }
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }

  async function upTo(type: string | undefined): Promise<Line[]> {
    const found: Line[] = []
    for (let line = await next(); line !== undefined; line = await next()) {
      found.push(line)
      if (line['type'] === type) break
    }
    return found
  }

  return { socket, next, rest: () => upTo(undefined), upTo }
}
