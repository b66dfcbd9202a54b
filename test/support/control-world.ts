/** A control socket in a directory of its own, and callers of all kinds. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { type Control, type ControlOptions, type Method, openControl, type Peer } from '#lib/control/index.js'
import type { SustenError } from '#lib/errors.js'
import { openRoot } from './pipe-world.js'

export interface ControlWorld {
  readonly root: string
  readonly path: string
  readonly control: Control
  readonly refused: { readonly caller: Peer | undefined; readonly error: SustenError }[]
}

export async function controlWorld(
  t: TestContext,
  methods: Readonly<Record<string, Method>>,
  options: Partial<ControlOptions> = {},
): Promise<ControlWorld> {
  const root = await openRoot(t)
  const path = `${root}/control`
  const refused: ControlWorld['refused'] = []
  const onRefused = (caller: Peer | undefined, error: SustenError): number => refused.push({ caller, error })
  const control = await openControl({ path, methods, onRefused, ...options })
  t.after(() => control.close())
  return { root, path, control, refused }
}

/** A caller that knows nothing of the protocol. */
export async function rawCaller(t: TestContext, path: string): Promise<Socket> {
  const socket = connect(path)
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** All that comes until the other side ends. */
export async function allOf(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('utf8').on('data', (some: string) => {
    text += some
  })
  await once(socket, 'close')
  return text
}

/** Sends a request, as it connects or once it was greeted, and prints what comes back. */
const stranger = `
  const [path, method, when] = process.argv.slice(1)
  const socket = require('node:net').connect(path)
  socket.on('error', ({ code }) => { console.log(code) })
  const send = () => { socket.write('{"jsonrpc":"2.0","id":7,"method":"' + method + '"}\\n') }
  if (when === 'at once') send()
  else socket.once('data', send)
  socket.on('data', (data) => {
    process.stdout.write(data)
    if (data.includes('"id":7')) socket.destroy()
  })`

/** A caller as another user, by setpriv(1). Resolves to what it was told. */
export async function callAs(
  privileges: readonly string[],
  path: string,
  method: string,
  when: 'at once' | 'when greeted' = 'when greeted',
): Promise<string> {
  const child = asUser(privileges, stranger, [path, method, when])
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (some: string) => {
    text += some
  })
  await once(child, 'close')
  return text
}

/** A program for Node as another user. */
export function asUser(privileges: readonly string[], program: string, args: readonly string[]): ChildProcess {
  return spawn('setpriv', [...privileges, process.execPath, '-e', program, ...args], {
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}
