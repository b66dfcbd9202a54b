/** Everything that can go wrong at a detector server, and a Furka and a Grimsel that live through one of it at a time. */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Furka, type Grimsel, openSimplon } from 'susten'
import {
  type ApiVersion,
  type Dcu,
  type DcuOptions,
  type Fault,
  hostileNames,
  type ServedFile,
} from '#lib/simulate/dcu/index.js'
import { eventually, smallPilatus, startDcu } from './dcu-world.js'
import { sha256 } from './furka-world.js'
import { quick } from './source-world.js'

/** A detector server to which things are done. */
export interface MatrixServer {
  readonly name: string
  readonly version: ApiVersion
  readonly options: DcuOptions
}

const cbf: DcuOptions = { detector: smallPilatus }

export const matrixServers: readonly MatrixServer[] = [
  { name: '1.5.0, EIGER', version: '1.5.0', options: {} },
  { name: '1.5.0, CBF', version: '1.5.0', options: cbf },
  { name: '1.6.0, EIGER', version: '1.6.0', options: {} },
  { name: '1.6.0, CBF', version: '1.6.0', options: cbf },
  { name: '1.8.0, EIGER', version: '1.8.0', options: {} },
  { name: '1.8.0, EIGER as of 2024.2', version: '1.8.0', options: { format: 'v2024.2' } },
  { name: '1.8.0, CBF', version: '1.8.0', options: cbf },
]

/** What goes wrong. */
export interface MatrixFault {
  readonly name: string
  /** In force while a series is taken. */
  readonly faults?: readonly Fault[]
  readonly options?: DcuOptions
  /** Done while they are. */
  readonly act?: (dcu: Dcu) => Promise<unknown>
  /** The first of the faults need not hit a request to have had its effect. */
  readonly standing?: true
  /** Changes contents on the way, which nobody can find out: only their size is looked at. */
  readonly corrupting?: true
}

const data = (fault: Fault): readonly Fault[] => [{ ...fault, on: 'data' }]
const short = (text: string): Buffer => Buffer.alloc(3000, text)

/** So that the names of a series aren't its successor's within the same second, the unit of a server's times. */
const aSecond = 1100

export const matrixFaults: readonly MatrixFault[] = [
  { name: '404 for everything', faults: [{ kind: 'status', status: 404 }] },
  { name: '404 for files', faults: data({ kind: 'status', status: 404 }) },
  { name: '500 now and then', faults: [{ kind: 'status', status: 500, chance: 0.4 }] },
  { name: '503 for everything', faults: [{ kind: 'status', status: 503 }] },
  {
    name: 'removals that are done and answered with 500',
    faults: [{ kind: 'status', status: 500, executed: true, methods: ['DELETE'], times: 3 }],
  },
  { name: 'removals that are done and reset', faults: [{ kind: 'reset', methods: ['DELETE'], times: 3 }] },
  {
    name: 'removals that are answered with 404',
    faults: [{ kind: 'status', status: 404, methods: ['DELETE'], times: 2 }],
  },
  { name: 'resets', faults: [{ kind: 'reset', chance: 0.5 }] },
  { name: 'late answers', faults: [{ kind: 'delay', ms: 60 }] },
  { name: 'slow transfers', faults: [{ kind: 'slow', bytesPerSecond: 60_000 }] },
  { name: 'transfers that stall for ever', faults: [{ kind: 'stall', after: 100 }] },
  { name: 'transfers that pause', faults: [{ kind: 'stall', after: 100, ms: 60 }] },
  { name: 'transfers that are cut', faults: [{ kind: 'cut', after: 700 }] },
  { name: 'a length that is too large', faults: [{ kind: 'length', by: 100 }] },
  { name: 'a length that is too small', faults: [{ kind: 'length', by: -100 }] },
  { name: 'a byte that is another one', faults: [{ kind: 'corrupt', times: 3 }], corrupting: true },
  { name: 'chunked answers', faults: [{ kind: 'chunked' }] },
  { name: 'chunked answers that are cut', faults: [{ kind: 'chunked' }, { kind: 'cut', after: 700 }] },
  { name: 'compressed answers', faults: [{ kind: 'gzip' }] },
  { name: 'connections that end behind each answer', faults: [{ kind: 'close' }] },
  { name: 'ranges that are ignored', faults: [{ kind: 'ignore-range' }, { kind: 'cut', after: 700, chance: 0.5 }] },
  { name: 'ranges that are wrong', faults: [{ kind: 'wrong-range' }, { kind: 'cut', after: 700, chance: 0.5 }] },
  {
    name: 'answers with two lengths',
    faults: [{ kind: 'raw', head: 'HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nContent-Length: 7\r\n\r\n' }],
  },
  { name: 'answers that are no HTTP', faults: [{ kind: 'raw', head: 'nothing of the kind\r\n', body: false }] },
  { name: 'lists that are pages', faults: [{ kind: 'body', text: '<html></html>', type: 'text/html' }] },
  { name: 'lists that are empty', faults: [{ kind: 'body', text: '[]' }] },
  { name: 'lists that are null', faults: [{ kind: 'body', text: '{"value": null}' }] },
  { name: 'lists that show files late', faults: [{ kind: 'list-late', ms: 150 }], standing: true },
  { name: 'lists that show files that are gone', faults: [{ kind: 'list-stale', ms: 300 }], standing: true },
  {
    name: 'files that grow before everybody’s eyes',
    faults: [{ kind: 'growing', steps: 4 }],
    standing: true,
    act: (dcu) => dcu.add('grown.dat', Buffer.concat([short('a'), short('b')]), { grow: { steps: 3, over: 200 } }),
  },
  { name: 'files that are complete after the end', faults: [{ kind: 'late', ms: 200 }], standing: true },
  {
    name: 'a restart',
    standing: true,
    async act(dcu) {
      await sleep(aSecond)
      await dcu.restart({ downtime: 50 })
      await dcu.acquire({ images: 2 })
    },
  },
  {
    name: 'a name that comes again with other content',
    standing: true,
    async act(dcu) {
      const first = await dcu.add('again.dat', short('first'))
      await eventually(() => first?.state === 'deleted', 'the first one is done with')
      await dcu.add('again.dat', Buffer.alloc(2000, 'second'))
    },
  },
  {
    name: 'a file that is overwritten',
    standing: true,
    async act(dcu) {
      await dcu.add('over.dat', short('first'))
      await sleep(15)
      await dcu.add('over.dat', Buffer.alloc(2000, 'second'))
    },
  },
  { name: 'hostile names', standing: true, act: (dcu) => dcu.addHostile() },
  {
    name: 'a memory that is full',
    options: { memory: 150_000 },
    faults: [{ kind: 'status', status: 503 }],
    async act(dcu) {
      for (let number = 0; number < 6; number++) await dcu.add(`much_${number}.dat`, Buffer.alloc(50_000, `${number}`))
      assert.ok(dcu.truth.dropped.length > 0)
    },
  },
]

export interface MatrixPlace {
  readonly grimsel: Grimsel
  readonly buffer: string
  /** The confirm tier. */
  readonly disk: string
  /** For journals. */
  readonly root: string
}

let cases = 0

/** Takes a series under a fault, ends it, and holds the storage against what the server had. */
export async function liveThrough(
  t: TestContext,
  { grimsel, buffer, disk, root }: MatrixPlace,
  { options, faults = [], act, standing, corrupting }: MatrixFault,
  server: MatrixServer,
): Promise<void> {
  const id = `case${++cases}`
  const { version } = server
  const experiment = { frameTime: 0.005 }
  const dcu = await startDcu(t, { version, imagesPerFile: 1, variety: 1, experiment, ...server.options, ...options })
  const home = join(disk, id)
  mkdirSync(join(buffer, id))
  const early: string[] = []
  dcu.on('gone', (file) => {
    if (file.state === 'deleted' && !isThere(home, file, corrupting === true)) early.push(file.name)
  })

  const handles = faults.map((fault) => dcu.fault(fault))
  const source = openSimplon({ host: dcu.url, id, ...quick, timeout: 400, stall: 150 })
  const furka = await Furka.open({
    sources: [{ source, target: `${buffer}/./${id}`, stallTimeout: 150 }],
    journal: join(root, `${id}-journal`),
    grimsel,
  })
  t.after(() => furka.close('stop'))
  const errors: unknown[] = []
  furka.on('error', ({ error }) => errors.push(error))
  await dcu.add('before.dat', short('before'))
  await dcu.acquire({ images: 2 })
  await act?.(dcu)
  const [first] = handles
  if (standing === undefined) await eventually(() => (first?.hits ?? 0) >= Math.min(3, faults[0]?.times ?? 3), 'hits')
  else await sleep(30)
  const hit = new Set(
    corrupting === true
      ? dcu.truth.requests.filter((request) => request.faults.length > 0).map(({ file }) => file)
      : [],
  )
  for (const handle of handles) handle.clear()
  await dcu.add('after.dat', short('after'))
  // What is late, or grows, is complete some time.
  await eventually(() => dcu.truth.files.every(({ state }) => state !== 'growing'), 'nothing grows any more')
  await sleep(250)
  await furka.idle({ signal: AbortSignal.timeout(30_000) })
  await eventually(() => dcu.truth.completed.every((file) => file.state !== 'present' || isHostile(file)), 'removed')
  await furka.close()

  assert.deepEqual(early, [], 'removed before they were on the confirm tier')
  assert.deepEqual(errors, [])
  checkOnce(dcu.truth.completed, home, hit)
}

const isHostile = ({ name }: ServedFile): boolean => hostileNames.includes(name)

/** Whatever its name there: at this very moment. */
function isThere(home: string, { digest, size }: ServedFile, onlySize: boolean): boolean {
  return filesBelow(home).some((path) => {
    const content = readFileSync(path)
    return content.length === size && (onlySize || sha256(content) === digest)
  })
}

function filesBelow(home: string): readonly string[] {
  const entries = readdirSync(home, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

function checkOnce(completed: readonly ServedFile[], home: string, hit: ReadonlySet<number | undefined>): void {
  const there = new Map<string, string[]>()
  for (const path of filesBelow(home)) {
    const digest = sha256(readFileSync(path))
    there.set(digest, [...(there.get(digest) ?? []), path])
  }
  const known = new Map<string, number>()
  for (const { digest } of completed) known.set(digest, (known.get(digest) ?? 0) + 1)
  assert.ok(completed.some(({ state }) => state === 'deleted'))
  for (const { id, name, digest, state, size } of completed) {
    if (state !== 'deleted') continue
    const copies = there.get(digest) ?? []
    if (hit.has(id) && copies.length === 0) {
      assert.equal(readFileSync(join(home, name)).length, size, name)
      there.delete(sha256(readFileSync(join(home, name))))
      continue
    }
    assert.ok(copies.length > 0, `${name} is lost`)
    assert.ok(copies.length <= (known.get(digest) ?? 0), `${name} is there as ${copies}`)
  }
  for (const [digest, paths] of there) {
    // A file that stood still in its growth was received too early: the first part of what is there now.
    const isPart = (path: string): boolean => {
      const whole = path.replace(/\.~\d+~$/, '')
      const [part, all] = [readFileSync(path), readFileSync(whole)]
      return whole !== path && part.length < all.length && all.subarray(0, part.length).equals(part)
    }
    assert.ok(known.has(digest) || paths.every(isPart), `no server had the content of ${paths}`)
  }
}
