/** Clients for tests of the simulated detector server. */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { after, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createMaker, type Dcu, type DcuOptions, simulateDcu } from '#lib/simulate/dcu/index.js'
import { eiger, pilatus } from '#lib/simulate/index.js'

/** Small enough to be quick. */
const smallEiger = eiger({ width: 60, height: 40 })
export const smallPilatus = pilatus({ width: 60, height: 40 })

/** One for all servers of a test file: its thread takes a while to start. */
const maker = createMaker()
after(() => maker[Symbol.asyncDispose]())

/** A server that ends with its test. Images come as fast as they are made. */
export async function startDcu(t: TestContext, options: DcuOptions = {}): Promise<Dcu> {
  const made = options.digests === undefined ? { maker } : {}
  const dcu = await simulateDcu({ detector: smallEiger, experiment: { frameTime: 0 }, ...made, ...options })
  t.after(() => dcu.close())
  return dcu
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** All that was promised has come. */
  readonly whole: boolean
}

export interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal?: AbortSignal
}

/** Asks on a connection of its own; the path is sent as it is. Rejects if no answer comes. */
export function ask(
  dcu: Dcu | string,
  path: string,
  { method = 'GET', headers, body, signal }: Ask = {},
): Promise<Reply> {
  const { hostname, port } = new URL(typeof dcu === 'string' ? dcu : dcu.url)
  return new Promise((resolve, reject) => {
    const options = {
      hostname,
      port,
      path,
      method,
      agent: false as const,
      ...(headers && { headers }),
      ...(signal && { signal }),
    }
    const request = httpRequest(options, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', () => {})
      response.on('close', () => {
        const { statusCode = 0, headers, complete } = response
        resolve({ status: statusCode, headers, body: Buffer.concat(parts), whole: complete })
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** The JSON of an answer, which must be 200. */
export async function value(dcu: Dcu, path: string): Promise<unknown> {
  const { status, headers, body } = await ask(dcu, path)
  assert.equal(status, 200, `${path}: ${body}`)
  assert.match(headers['content-type'] ?? '', /^application\/json/)
  assert.equal(Number(headers['content-length']), body.length, 'clients need the length')
  return JSON.parse(body.toString()) as unknown
}

/** `value` in the JSON of an answer. */
export async function valueAt(dcu: Dcu, path: string): Promise<unknown> {
  return ((await value(dcu, path)) as { readonly value: unknown }).value
}

export function put(dcu: Dcu, path: string, given?: unknown): Promise<Reply> {
  const body = given === undefined ? '' : JSON.stringify(given)
  const headers = { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)) }
  return ask(dcu, path, { method: 'PUT', headers, body })
}

/** A path of the server's API. */
export const api = (dcu: Dcu, rest: string): string => {
  const [module, ...path] = rest.split('/')
  return `/${module}/api/${dcu.version}/${path.join('/')}`
}

/** Names of the files, by the list that every version has. */
export async function listed(dcu: Dcu): Promise<readonly string[]> {
  const list = await value(dcu, api(dcu, 'filewriter/files/'))
  return Array.isArray(list) ? (list as string[]) : ((list as { readonly value: string[] | null }).value ?? [])
}

/** The content of a file. */
export async function content(dcu: Dcu, name: string): Promise<Buffer> {
  const { status, body, whole } = await ask(dcu, `/data/${name}`)
  assert.deepEqual([status, whole], [200, true], name)
  return body
}

/** Asks until it is so. */
export async function eventually(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (await isSo()) return
    await sleep(5)
  }
  assert.fail(`never came true: ${what}`)
}
