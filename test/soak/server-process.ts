/** A detector server of a soak: makes files at a pace, fails at random, and looks at the storages at every DELETE. */
import { Buffer } from 'node:buffer'
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Dcu, type DcuOptions, hostileNames, type ServedFile, simulateDcu } from '#lib/simulate/dcu/index.js'
import { eiger, pilatus } from '#lib/simulate/index.js'
import { createRandom } from '../support/random.js'
import { contentOf, drawSize, type Form } from './content.js'
import { isCopied, isCopiedSomewhere } from './copies.js'
import { drawDisturbance } from './disturb.js'
import type { FromServer, ServerFigures, ServerOrder, ServerTruth, ToServer, TrueFile } from './messages.js'

const order = JSON.parse(process.argv[2] ?? '') as ServerOrder
const random = createRandom(order.seed)
const say = (message: FromServer): void => void process.send?.(message)

const MiB = 1024 * 1024
const tick = 100
const kinds: Record<ServerOrder['kind'], Partial<DcuOptions>> = {
  eiger: { detector: eiger({ width: 30, height: 20 }) },
  'eiger-2024': { detector: eiger({ width: 30, height: 20 }), format: 'v2024.2' },
  cbf: { detector: pilatus({ width: 60, height: 40 }) },
}
const dcu = await simulateDcu({
  ...kinds[order.kind],
  version: order.version,
  seed: order.seed,
  experiment: { frameTime: 0.005 },
  memory: 24 * MiB,
  maxRequests: 0,
})

// ---- What happens to files ------------------------------------------------------------------------------------------

const hostile = new Set(hostileNames)
/** The server said once that they aren't there, though they were. */
const denied = new Set<number>()
/** Directories of users, newest first. */
const users: string[] = []
const owed: ServedFile[] = []
/** The file that had a name before, and when a client last asked what it is like. */
const before = new Map<number, number>()
const newest = new Map<string, number>()
const asked = new Map<number, number>()
/** Deleted in place of the file that they had overwritten. */
const overtaken = new Set<number>()
let away = 0
const counts = { completed: 0, bytes: 0, removed: 0, lost: 0, dropped: 0, checked: 0, owed: 0 }
const present = new Map<number, ServedFile>()

dcu.on('file', (file) => {
  const former = newest.get(file.name)
  if (former !== undefined) before.set(file.id, former)
  newest.set(file.name, file.id)
  counts.completed++
  counts.bytes += file.size
  present.set(file.id, file)
})
dcu.on('dropped', () => counts.dropped++)
dcu.on('gone', (file) => {
  if (!present.delete(file.id)) return
  if (file.state !== 'deleted') {
    counts.lost++
    return
  }
  counts.removed++
  counts.checked++
  if (hasCopy(file)) return
  if (isOvertaken(file)) return void overtaken.add(file.id)
  if (away === 0) return say({ type: 'violation', text: `deleted before it was safe: ${told(file)}` })
  // It may be on what can't be read now.
  counts.owed++
  owed.push(file)
})
dcu.on('request', ({ method, status, file, at, path, faults }) => {
  if (status === 200 && faults.length === 0 && path.includes('/files')) {
    for (const interval of lasting.splice(0)) interval[1] = Date.now()
  }
  if (method === 'HEAD' && status === 200 && file !== undefined) asked.set(file, at)
  if (status === 404 && file !== undefined) denied.add(file)
})

const told = ({ name, size, digest, id }: ServedFile): string => `${order.id} ${id} ${name} (${size} B, ${digest})`

function hasCopy(file: ServedFile): boolean {
  if (isCopied(file, order.storages, users)) return true
  return hostile.has(file.name) && isCopiedSomewhere(file, order.storages, users)
}

/** Between the look at a file and its removal another one took its name: no client of this API can help that. */
function isOvertaken({ id, begun }: ServedFile): boolean {
  const look = asked.get(before.get(id) ?? 0)
  return look !== undefined && look > begun - 3000 && Date.now() - begun < 3000
}

function settleDebts(): void {
  for (const file of owed.splice(0)) {
    if (!hasCopy(file)) say({ type: 'violation', text: `deleted, and on no storage: ${told(file)}` })
  }
}

// ---- Files ----------------------------------------------------------------------------------------------------------

let isOver = false
let serial = 0
let scan = 0
/** Names of late, and the size of what was last under them. */
const names: { readonly name: string; size: number }[] = []
const forms: readonly Form[] = order.kind === 'cbf' ? ['cbf', 'cbf', 'dat'] : ['h5', 'h5', 'dat']

async function addOne(): Promise<void> {
  const number = ++serial
  const isAgain = names.length > 0 && random.chance(0.02)
  if (number % 500 === 1) scan++
  const form = random.pick(forms)
  const place = isAgain ? random.pick(names) : { name: `scan_${scan}/frame_${number}.${form}`, size: 0 }
  let size = Math.max(512, drawSize(random))
  // Same name, same second and same size would be the same file to anybody.
  if (size === place.size) size++
  place.size = size
  if (!isAgain) names.push(place)
  if (names.length > 200) names.shift()
  const content = contentOf(place.name.endsWith('.dat') ? 'dat' : form, `${order.id} ${number}`, size, random)
  const grow = { steps: 2 + random.below(4), over: 50 + random.below(1500) }
  await dcu.add(place.name, content, random.chance(0.01) ? { grow } : {})
}

/** As many as are due; now and then nothing for a while, and then many at once. */
async function makeFiles(): Promise<void> {
  const began = performance.now()
  const rate = order.files / order.seconds / 1000
  while (!isOver && counts.completed < order.files) {
    await sleep(tick)
    const due = Math.min(order.files, (performance.now() - began) * rate)
    // What waits for room, or grows, isn't made twice as long as it isn't much.
    const { dropped } = counts
    for (let missing = Math.min(due - counts.completed, 20); missing >= 1 && !isOver; missing--) void addOne()
    if (counts.dropped > dropped) await sleep(1000)
    if (random.chance(0.01)) await sleep(random.below(4000))
  }
}

async function takeSeries(): Promise<void> {
  while (!isOver && counts.completed < order.files) {
    await sleep(3000 + random.below(6000))
    if (isOver) return
    try {
      await dcu.acquire({ images: 1 + random.below(12), imagesPerFile: 1 + random.below(4) })
    } catch {
      // It is being restarted.
    }
  }
}

/** More at once than there is room for. */
async function overflow(): Promise<void> {
  while (!isOver) {
    await sleep(1000 * order.pause * (10 + random.below(20)))
    for (let count = 0; count < 10 && !isOver; count++) {
      const number = ++serial
      const size = 2 * MiB + random.below(2 * MiB)
      const content = Buffer.alloc(size, `large ${order.id} ${number} `)
      await dcu.add(`large/${number}.dat`, content)
    }
  }
}

// ---- Faults ---------------------------------------------------------------------------------------------------------

const faults: Record<string, { begun: number; hits: number }> = {}
const disturbed: [number, number][] = []
/** All that went wrong, and when. */
const events: [name: string, from: number, to: number][] = []
/** Those that last until the next list is as it should be. */
const lasting: [number, number][] = []
let isCalm = false

async function failNowAndThen(dcu: Dcu): Promise<void> {
  while (!isOver) {
    await sleep(1000 * order.pause * 2 * random.next())
    const { name, faults: wanted, lasts, lists, act } = drawDisturbance(random)
    if (isOver || isCalm) continue
    faults[name] ??= { begun: 0, hits: 0 }
    const count = faults[name]
    count.begun++
    const from = Date.now() - (lists ?? 0)
    const interval: [number, number] = [from, Number.POSITIVE_INFINITY]
    if (lists !== undefined) disturbed.push(interval)
    const handles = wanted.map((fault) => dcu.fault(fault))
    try {
      await act?.(dcu)
      for (const end = Date.now() + lasts; act === undefined && !isOver && !isCalm && Date.now() < end; )
        await sleep(50)
    } catch {
      // A server that is away can't be asked for anything.
    }
    for (const handle of handles) {
      handle.clear()
      count.hits += handle.hits
    }
    lasting.push(interval)
    events.push([name, from, Date.now()])
  }
}

// ---- What is asked of it --------------------------------------------------------------------------------------------

function figures(): ServerFigures {
  const left = [...present.values()].filter(({ name }) => !hostile.has(name))
  const { requestCount: requests } = dcu.truth
  return {
    ...counts,
    overtaken: overtaken.size,
    left: left.length,
    names: left.slice(0, 5).map(({ name }) => name),
    requests,
    faults,
  }
}

function truth(): ServerTruth {
  const files = dcu.truth.completed.map((file): TrueFile => {
    const { id, name, digest, size, state, begun, completed = 0, gone = 0 } = file
    return {
      name,
      digest,
      size,
      state,
      begun,
      completed,
      gone,
      denied: denied.has(id),
      hostile: hostile.has(name),
      overtaken: overtaken.has(id),
    }
  })
  const unfinished = dcu.truth.files.filter(({ completed }) => completed === undefined).map(({ name }) => name)
  // JSON has no infinity.
  return { files, unfinished, events, disturbed: disturbed.map(([from, to]) => [from, Math.min(to, Date.now())]) }
}

function obey(message: ToServer): void {
  switch (message.type) {
    case 'begin':
      for (const work of [makeFiles, takeSeries, overflow, () => failNowAndThen(dcu)]) void work()
      setInterval(() => say({ type: 'figures', figures: figures() }), 1000)
      break
    case 'user':
      users.unshift(message.directory)
      break
    case 'away':
      away = message.count
      if (away === 0) settleDebts()
      break
    case 'calm':
      isCalm = message.calm
      break
    case 'finish':
      isOver = true
      break
    case 'truth':
      writeFileSync(message.path, JSON.stringify(truth()))
      break
  }
  say({ type: 'done', of: message.type })
}

process.on('message', obey)
process.on('disconnect', () => process.exit())
say({ type: 'ready', url: dcu.url })
