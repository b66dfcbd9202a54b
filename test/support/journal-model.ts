/** What a journal should hold: the operations carried out on plain maps. And operations made by chance. */
import assert from 'node:assert/strict'
import type { ByteString } from '#lib/bytes.js'
import type { CopyRecord, FileRecord, JournalOp } from '#lib/core/record.js'
import type { Journal } from '#lib/journal/index.js'
import type { Random } from './random.js'

export interface Model {
  readonly files: ReadonlyMap<string, FileRecord>
  readonly values: ReadonlyMap<string, unknown>
}

export const emptyModel: Model = { files: new Map(), values: new Map() }

/** The model after these operations. */
export function applied(model: Model, ops: readonly JournalOp[]): Model {
  const files = new Map(model.files)
  const values = new Map(model.values)
  for (const op of ops) {
    if (op.type === 'put') files.set(op.record.path, op.record)
    else if (op.type === 'forget') files.delete(op.record.path)
    else values.set(op.key, op.value)
  }
  return { files, values }
}

/** Everything that a journal holds, in a form to compare. */
export async function contentOf(journal: Journal): Promise<Model> {
  const files = new Map<string, FileRecord>()
  for await (const record of journal.files()) files.set(record.path, record)
  return { files, values: new Map(journal.keys().map((key) => [key, journal.value(key)])) }
}

export function isSame(one: Model, other: Model): boolean {
  try {
    assert.deepStrictEqual(one, other)
    return true
  } catch {
    return false
  }
}

/** That every way to look at a durable journal says what the model says. */
export function checkLookups(journal: Journal, model: Model): void {
  assert.equal(journal.stats().records, model.files.size)
  const ordered = [...model.files.values()].sort((a, b) => a.seq - b.seq)
  for (const record of ordered) assert.deepStrictEqual(journal.get(record.path), record)
  assert.equal(journal.get('never/was' as ByteString), undefined)
  checkLists(journal, model)
}

function checkLists(journal: Journal, model: Model): void {
  const ordered = [...model.files.values()].sort((a, b) => a.seq - b.seq)
  for (const storage of storages) {
    for (const state of ['pending', 'failed'] as const) {
      const expected = ordered.filter((record) => record.copies.some((c) => c.storage === storage && c.state === state))
      assert.equal(journal.count(storage, state), expected.length)
      assert.deepStrictEqual(listAll(journal, storage, state, 3), expected)
    }
  }
}

/** That lookups in the midst of things see what was applied, and lists what of it was announced durably. */
export function checkLive(journal: Journal, newest: Model, announced: ReadonlySet<number>): void {
  assert.equal(journal.stats().records, newest.files.size)
  for (const [path, record] of newest.files) assert.deepStrictEqual(journal.get(path as ByteString), record)
  for (const [key, value] of newest.values) assert.deepStrictEqual(journal.value(key), value)
  const files = new Map([...newest.files].filter(([, record]) => announced.has(record.seq)))
  checkLists(journal, { files, values: newest.values })
}

function listAll(journal: Journal, storage: string, state: 'pending' | 'failed', page: number): FileRecord[] {
  const found: FileRecord[] = []
  for (let after = -1; ; after = found.at(-1)?.seq ?? 0) {
    const some = journal.list(storage, state, after, page)
    found.push(...some)
    if (some.length < page) return found
  }
}

const storages = ['disk', 'gpfs', 'ganesha-ünïcode']

/** Counts up. */
export interface Seqs {
  last: number
}

/** A list of operations as the core could ask for, given what the journal holds. */
export function randomOps(random: Random, model: Model, seqs: Seqs, paths: number): JournalOp[] {
  const ops: JournalOp[] = []
  let now = model
  for (let count = 1 + random.below(random.pick([1, 5, 30])); count > 0; count--) {
    const op = randomOp(random, now, seqs, paths)
    ops.push(op)
    now = applied(now, [op])
  }
  return ops
}

function randomOp(random: Random, model: Model, seqs: Seqs, paths: number): JournalOp {
  const dice = random.next()
  if (dice < 0.1) return { type: 'set', key: `key${random.below(4)}`, value: randomValue(random) }
  const path = randomPath(random, paths)
  const was = model.files.get(path)
  if (was !== undefined && dice < 0.35) return { type: 'forget', record: was }
  const isNew = was === undefined || random.chance(0.2)
  if (isNew) seqs.last += random.pick([1, 1, 1, 2, 300])
  const record: FileRecord = {
    seq: isNew ? seqs.last : was.seq,
    path,
    cut: random.below(5),
    shift: random.below(3),
    announced: 1_700_000_000_000 + random.below(1e9),
    copies: storages.filter(() => random.chance(0.7)).map((storage) => randomCopy(random, storage)),
  }
  return was === undefined ? { type: 'put', record } : { type: 'put', record, was }
}

function randomPath(random: Random, paths: number): ByteString {
  const number = random.below(paths)
  const name = number % 7 === 0 ? '\xff\xfe\n' : number % 11 === 0 ? 'n'.repeat(200) : 'file'
  return `run${number % 5}/${name}${number}` as ByteString
}

function randomCopy(random: Random, storage: string): CopyRecord {
  const state = random.pick(['pending', 'pending', 'copied', 'failed'] as const)
  const digest = random.pick(['0123456789abcdef'.repeat(2), 'ff'.repeat(16), 'NOT HEX'])
  const source = {
    dev: random.pick([5n, 2n ** 64n - 1n]),
    ino: BigInt(random.below(1e9)),
    size: random.pick([0, 4096, Number.MAX_SAFE_INTEGER]),
    mtimeNs: random.pick([1_700_000_000_123_456_789n, -1n, 2n ** 80n]),
    ctimeNs: 1_700_000_000_000_000_001n,
  }
  const path = '/a\xe9' as ByteString
  const failure = random.pick([
    { code: 'EIO', errno: -5, syscall: 'read', path },
    { code: 'ERR_SUSTEN_CHANGED', errno: 0, syscall: 'compare', path, dest: '/b' as ByteString },
  ])
  return {
    storage,
    state,
    attempts: random.below(300),
    ...(random.chance(0.3) && { failure }),
    ...(random.chance(0.5) && { digest }),
    ...(random.chance(0.5) && { source }),
  }
}

function randomValue(random: Random): unknown {
  return random.pick<unknown>([
    null,
    0,
    'text\u0000ü',
    [1, { a: 'b'.repeat(random.below(400)) }],
    { count: random.below(1e6) },
  ])
}
