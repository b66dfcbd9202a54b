/** Whose files are that weren't whole yet when the user changed, whatever became of the Furka then. */
import assert from 'node:assert/strict'
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type FileSource, openIncoming, openSimplon, type SeenFile } from 'susten'
import type { ByteString } from '#lib/bytes.js'
import {
  type CoreEvent,
  createState,
  decide,
  type Held,
  type Seen,
  type State,
  type Stored,
} from '#lib/furka/core/index.js'
import { startDcu } from './support/dcu-world.js'
import { createFurkaPlace, type FurkaPlace, openFurkaFor } from './support/furka-world.js'
import { memorySource } from './support/memory-source.js'
import { filesBelow, until } from './support/mirror-world.js'
import { rsyncWorld, whyNoRsync } from './support/rsync-world.js'
import { quick } from './support/source-world.js'

/** A place that files come from. */
interface Served {
  /** @param settles Whether it ever takes a file for whole. */
  source(settles: boolean): FileSource
  /** Gives a file this content: the one that is there, if there is one. */
  write(name: string, content: string): unknown
}

const never = { settle: 3_600_000, sure: 3_600_000 }

/** Somebody writes to it: nothing is known of it but what looks at it show. */
function heldOpen(t: TestContext, path: string): void {
  const fd = openSync(path, 'a')
  t.after(() => closeSync(fd))
}

const kinds: Record<string, (t: TestContext, place: FurkaPlace) => Promise<Served>> = {
  'a file writer': async (t) => {
    const dcu = await startDcu(t)
    return {
      source: (settles) => openSimplon({ host: dcu.url, ...quick, ...(settles ? {} : never) }),
      write: (name, content) => dcu.add(name, Buffer.from(content)),
    }
  },
  'an rsync daemon': async (t) => {
    const world = await rsyncWorld(t)
    return {
      source: (settles) => world.source(settles ? {} : never),
      write: (name, content) => writeFileSync(join(world.served, name), content),
    }
  },
  'a directory': async (t, { root }) => {
    const path = join(root, 'incoming')
    mkdirSync(path)
    const times = { settle: 20, sure: 100, scanInterval: 20 }
    return {
      source: (settles) => openIncoming({ path, ...times, ...(settles ? {} : never) }),
      write(name, content) {
        heldOpen(t, join(path, name))
        writeFileSync(join(path, name), content)
      },
    }
  },
}

const [part, whole] = ['part 1', 'part 1 and part 2']

for (const [kind, serve] of Object.entries(kinds)) {
  for (const [what, content] of Object.entries({ 'has grown': whole, 'is as it was': part })) {
    const skip = kind === 'an rsync daemon' && (whyNoRsync ?? false)
    test(`a file of ${kind} that is being written at a change is hers behind a restart, when it ${what}`, {
      skip,
    }, async (t) => {
      const place = await createFurkaPlace(t)
      const served = await serve(t, place)
      const options = (settles: boolean) => ({
        sources: [{ source: served.source(settles), target: place.buffer }],
        defaultUser: { userDirectory: 'anna' },
      })
      const first = await openFurkaFor(t, place, undefined, options(false))
      await served.write('a', part)
      await until(() => first.furka.status().sources[0]?.details['files'] === '1', 'it is seen')
      const begun = performance.now()
      await first.furka.changeUser({ userDirectory: 'bert' })
      assert.ok(performance.now() - begun < 3500, 'the change waits for nobody')
      assert.equal(first.furka.status().sources[0]?.waiting, 0, 'it isn’t counted as a file to be received')
      await first.furka.close('stop')
      if (content !== part) await served.write('a', content)
      const { furka, told } = await openFurkaFor(t, place, undefined, options(true))
      await until(() => told.received.some(({ size }) => size === content.length), 'it is here')
      await served.write('b', 'his')
      await until(() => told.received.some(({ name }) => name === 'b'), 'the next one, too')
      await furka.close('stop')
      assert.deepEqual(filesBelow(place.buffer), ['anna/a', 'bert/b'])
      assert.equal(readFileSync(join(place.buffer, 'anna/a'), 'utf8'), content)
      assert.deepEqual(told.messages, [])
    })
  }
}

test('a file that is listed, and can’t be looked at when the user changes, stays the former one’s', async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const first = await openFurkaFor(t, place, dcu, { defaultUser: { userDirectory: 'anna' } })
  const fault = dcu.fault({ kind: 'status', status: 503, on: 'data' })
  await dcu.add('a', Buffer.from('hers'))
  await until(() => first.furka.status().sources[0]?.details['files'] === '1', 'it is listed')
  await first.furka.changeUser({ userDirectory: 'bert' })
  await first.furka.close('stop')
  const second = await openFurkaFor(t, place, dcu)
  await until(() => second.furka.status().sources[0]?.details['files'] === '1', 'it is listed again')
  await second.furka.close('stop')
  fault.clear()
  const { furka } = await openFurkaFor(t, place, dcu)
  await furka.idle()
  await furka.close()
  assert.deepEqual(filesBelow(place.buffer), ['anna/a'])
})

/** Makes a file of which no byte is text, with a path about as long as there are. */
function writeUnspeakable(below: string): void {
  const part = Buffer.alloc(251, 0xff)
  let path = Buffer.from(below)
  for (let depth = 0; depth < 14; depth++) {
    path = Buffer.concat([path, Buffer.from('/'), part])
    mkdirSync(path)
  }
  writeFileSync(Buffer.concat([path, Buffer.from('/'), part]), 'hers')
}

test('a name that takes long to spell is received, and keeps nobody’s files from being known', async (t) => {
  const place = await createFurkaPlace(t)
  const path = join(place.root, 'incoming')
  mkdirSync(path)
  const open = (settles: boolean) => {
    const times = { settle: 20, sure: 100, scanInterval: 20, ...(settles ? {} : never) }
    const sources = [{ source: openIncoming({ path, ...times }), target: place.buffer }]
    return openFurkaFor(t, place, undefined, { sources, defaultUser: { userDirectory: 'anna' } })
  }
  const first = await open(false)
  writeUnspeakable(path)
  heldOpen(t, join(path, 'a'))
  writeFileSync(join(path, 'a'), part)
  await until(() => first.furka.status().sources[0]?.details['files'] === '2', 'they are seen')
  const begun = performance.now()
  await first.furka.changeUser({ userDirectory: 'bert' })
  assert.ok(performance.now() - begun < 3500, 'the change waits for nobody')
  await first.furka.close('stop')
  const { furka, told } = await open(true)
  await until(() => told.received.length + told.messages.length >= 2, 'they are here')
  assert.deepEqual(told.messages, [])
  assert.ok(told.received.every((file) => join(file.path).startsWith(join(place.buffer, 'anna/'))))
  await furka.close('stop')
})

/** A source of which files are seen that aren't offered yet. */
function slowSource(files: SeenFile[] = []) {
  const source = memorySource()
  return Object.assign(source, { unsettled: () => [...files], seen: files })
}

test('what was offered, and not read yet, is the former user’s, too', async (t) => {
  const { root } = await createFurkaPlace(t)
  writeFileSync(join(root, 'a'), 'a')
  await using source = openIncoming({ path: root, settle: 0, sure: 0, scanInterval: 10 })
  const reading = source.open()[Symbol.asyncIterator]()
  await reading.next()
  await source.look?.()
  const unread = [...(source.unsettled?.() ?? [])].map(({ name, size }) => [name, size])
  assert.deepEqual(unread, [['a', 1]])
  while ((await reading.next()).value?.type !== 'file');
  assert.deepEqual([...(source.unsettled?.() ?? [])], [])
  await reading.return?.()
})

test('over any number of restarts a file that is still being written stays whose it was', async (t) => {
  const place = await createFurkaPlace(t)
  const target = place.buffer
  const open = async (source: FileSource) =>
    await openFurkaFor(t, place, undefined, {
      sources: [{ source, target }],
      defaultUser: { userDirectory: 'anna' },
    })
  const one = slowSource([{ name: 'a', seen: Date.now(), version: '1', size: 1 }])
  const first = await open(one)
  await first.furka.changeUser({ userDirectory: 'bert' })
  await first.furka.close('stop')
  for (const [userDirectory, size] of [
    ['carl', 2],
    ['dora', 3],
  ] as const) {
    const { furka } = await open(slowSource([{ name: 'a', seen: Date.now(), version: `${size}`, size }]))
    await furka.changeUser({ userDirectory })
    await furka.close('stop')
  }
  const last = memorySource()
  last.put('a', 'hers')
  const { furka } = await open(last)
  last.put('b', 'the last one’s')
  await furka.idle()
  assert.deepEqual(filesBelow(place.buffer), ['anna/a', 'dora/b'])
})

test('the name of a file that is gone behind a restart is soon the next one’s', async (t) => {
  const place = await createFurkaPlace(t)
  const target = place.buffer
  const first = await openFurkaFor(t, place, undefined, {
    sources: [{ source: slowSource([{ name: 'a', seen: Date.now() }]), target }],
    defaultUser: { userDirectory: 'anna' },
  })
  await first.furka.changeUser({ userDirectory: 'bert' })
  await first.furka.close('stop')
  let looks = 0
  const source = Object.assign(slowSource(), {
    async look() {
      looks += 1
    },
  })
  const { furka } = await openFurkaFor(t, place, undefined, { sources: [{ source, target }] })
  await until(() => looks > 1, 'it has looked at everything twice')
  await new Promise((resolve) => setTimeout(resolve, 100))
  source.put('a', 'his')
  await furka.idle()
  assert.deepEqual(filesBelow(target), ['bert/a'])
})

test('a source that fails when it is asked what it has seen is waited for instead', async (t) => {
  const place = await createFurkaPlace(t)
  const source = Object.assign(memorySource(), {
    unsettled(): SeenFile[] {
      throw new Error('not now')
    },
  })
  const sources = [{ source, target: place.buffer }]
  const { furka } = await openFurkaFor(t, place, undefined, { sources, defaultUser: { userDirectory: 'anna' } })
  source.state({ unsettled: 1 })
  await until(() => furka.status().sources[0]?.available === true, 'it is read')
  const seen = Date.now()
  let isDone = false
  const change = furka.changeUser({ userDirectory: 'bert' }).then(() => {
    isDone = true
  })
  await until(() => furka.status().user.turn === 2, 'his turn has begun')
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(isDone, false)
  source.put('a', 'hers', { seen })
  source.state({ unsettled: 0 })
  await change
  await furka.idle()
  assert.deepEqual(filesBelow(place.buffer), ['anna/a'])
})

test('a file that takes another one’s name in a directory is no growth of that, however large it is', async (t) => {
  const place = await createFurkaPlace(t)
  const path = join(place.root, 'incoming')
  mkdirSync(path)
  const source = () => openIncoming({ path, settle: 0, sure: 0, scanInterval: 20 })
  const options = () => ({ sources: [{ source: source(), target: place.buffer }] })
  // It can't be removed, and its inode isn't free, as long as somebody may write to it.
  heldOpen(t, join(path, 'a'))
  writeFileSync(join(path, 'a'), part)
  const user = { userDirectory: 'anna' }
  const first = await openFurkaFor(t, place, undefined, { ...options(), user })
  await until(() => first.told.received.some(({ size }) => size === part.length), 'it is here')
  await first.furka.changeUser({ userDirectory: 'bert' })
  await first.furka.close('stop')
  writeFileSync(join(path, 'b'), whole)
  renameSync(join(path, 'b'), join(path, 'a'))
  const { furka } = await openFurkaFor(t, place, undefined, options())
  await furka.idle()
  assert.deepEqual(filesBelow(place.buffer), ['anna/a', 'bert/a'])
})

// ---- Decisions -------------------------------------------------------------------------------------------------------

const config = {
  sources: [{ id: 'dcu', target: '/ram', connections: 1 }],
  grimsel: 'answers',
  grimselPlace: '',
  confirm: 'buffer',
} as const
const [anna, bert] = [1, 2].map((uid) => ({ uid, gid: uid, userDirectory: '' })) as [User, User]
type User = { uid: number; gid: number; userDirectory: string }

/** A core, and what it has had the journal keep. */
function core(stored: Map<string, unknown> = new Map(), start = 0) {
  const kept = <T>(prefix: string): [string, T][] =>
    [...stored].flatMap(([key, value]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), value as T]] : []))
  const before: Stored = {
    turns: (stored.get('turns') ?? []) as Stored['turns'],
    files: kept<Stored['files'][number]>('file:').map(([, file]) => file),
    reserved: kept<NonNullable<Stored['reserved']>[number]>('reserved:').map(([, one]) => one),
    held: new Map(kept<Held>('held:')),
  }
  const state: State = createState(config, start, before, anna)
  const post = (at: number, ...events: readonly DistributiveOmit<CoreEvent, 'at'>[]) => {
    const commands = decide(
      state,
      events.map((event) => ({ ...event, at }) as CoreEvent),
    )
    for (const command of commands) {
      if (command.type !== 'journal') continue
      for (const { key, value } of command.ops) {
        if (value === undefined) stored.delete(key)
        else stored.set(key, structuredClone(value))
      }
    }
    return commands
  }
  post(start, { type: 'source', source: 'dcu', available: true })
  return {
    state,
    stored,
    post,
    change: (at: number, user: User, files: readonly Seen[]) =>
      post(at, { type: 'userChange', since: at, user }, seenEvent(files)),
    seen: (at: number, files: readonly Seen[], whole = false) => post(at, seenEvent(files, whole)),
    /** Offers a file. @returns whose it is */
    offer(at: number, { name, seen, ...more }: Seen) {
      const offer = { name, path: name as ByteString, version: '?', exact: true, size: 1, ...more, seen }
      post(at, { type: 'offered', source: 'dcu', offer })
      const turn = state.sources.get('dcu')?.files.get(name)?.record.turn
      return state.turns.find(({ number }) => number === turn)?.user
    },
    keys: () => [...stored.keys()].filter((key) => !key.startsWith('file:') && key !== 'turns'),
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

const seenEvent = (files: readonly Seen[], whole = false) =>
  ({ type: 'seen', source: 'dcu', files, first: true, last: true, whole }) as const

const file = (seen: number, more: Partial<Seen> = {}): Seen => ({ name: 'a', seen, version: '1', size: 10, ...more })

test('what is gone before it was whole is forgotten, and so is what was offered', () => {
  for (const end of ['withdrawn', 'absent', 'offered'] as const) {
    const { change, seen, post, offer, keys } = core()
    change(1000, bert, [file(500)])
    assert.equal(keys().length, 2)
    if (end === 'withdrawn') post(2000, { type: 'withdrawn', source: 'dcu', name: 'a', version: '' })
    else if (end === 'absent') seen(2000, [])
    else assert.deepEqual(offer(2000, file(500)), anna)
    assert.deepEqual(keys(), [], end)
    if (end === 'offered') continue
    assert.deepEqual(offer(3000, file(2500, { version: '2' })), bert, end)
  }
})

test('what isn’t told of while its source is unavailable, or just after the start, isn’t forgotten', () => {
  const first = core()
  first.change(1000, bert, [file(500)])
  first.post(2000, { type: 'source', source: 'dcu', available: false })
  first.seen(3000, [])
  assert.equal(first.keys().length, 2)
  const second = core(first.stored, 10_000)
  second.seen(11_000, [])
  assert.equal(second.keys().length, 2)
  assert.deepEqual(second.offer(20_000, file(10_500, { version: '2', size: 11 })), anna)
  const third = core(first.stored, 10_000)
  third.change(20_000, anna, [])
  third.seen(80_000, [])
  assert.deepEqual(third.keys(), [])
})

test('the running user’s files aren’t noted', () => {
  const { change, seen, keys } = core()
  change(1000, bert, [file(1500)])
  seen(2000, [file(1500), file(1800, { name: 'b' })])
  assert.deepEqual(keys(), [])
})

const hers = { version: '2', size: 11 }
/** What a restart finds under the name of a file that was being written when it ended. */
const found: Record<string, { readonly at: number; readonly what: Partial<Seen>; readonly owner: User }> = {
  'it has grown': { at: 30_000, what: hers, owner: anna },
  'it has become whole without another byte': { at: 30_000, what: { version: '2', size: 10 }, owner: anna },
  'it is as it was, hours later': { at: 7_200_000, what: {}, owner: anna },
  'it is smaller': { at: 30_000, what: { version: '2', size: 9 }, owner: bert },
  'it is another file': { at: 30_000, what: { ...hers, identity: 'other' }, owner: bert },
  'it is larger, and minutes have passed': { at: 300_000, what: hers, owner: bert },
}

for (const [what, { at, what: more, owner }] of Object.entries(found)) {
  test(`whose a file is behind a restart that was being written before: ${what}`, () => {
    const { change, stored } = core()
    change(1000, bert, [file(500, { identity: 'inode' })])
    const { offer } = core(stored, at)
    assert.deepEqual(offer(at + 1000, file(at, { identity: 'inode', ...more })), owner)
  })
}

test('a file that is seen soon after the restart may be written for as long as it likes', () => {
  const { change, stored } = core()
  change(1000, bert, [file(500)])
  const { offer, seen } = core(stored, 20_000)
  seen(21_000, [file(20_500, { version: '2', size: 11 })])
  seen(900_000, [file(20_500, { version: '3', size: 12 })])
  assert.deepEqual(offer(1_800_000, file(20_500, { version: '4', size: 13 })), anna)
})

test('it is noted that a file is still there: a restart long behind the change finds whose it is', () => {
  const { change, seen, stored } = core()
  change(1000, bert, [file(500)])
  for (let at = 3000; at <= 600_000; at += 2000) seen(at, [file(500)])
  const { offer } = core(stored, 630_000)
  assert.deepEqual(offer(631_000, file(630_500, { version: '2', size: 11 })), anna)
})

test('what has grown while it was received stays whose it was, also when it was seen behind a restart only', () => {
  const { change, offer, post, keys, state } = core()
  assert.deepEqual(offer(400, file(300)), anna)
  change(1000, bert, [file(300, { version: '2', size: 11 })])
  // The transfer is under way: what was offered meanwhile comes behind it.
  offer(2000, file(300, { version: '2', size: 11 }))
  post(3000, seenEvent([]))
  assert.equal(keys().length, 2)
  const failure = { code: 'ENOENT', errno: 2, syscall: '', text: '' }
  post(4000, { type: 'receiveFailed', seq: 1, side: 'source', gone: false, failure })
  assert.deepEqual(keys(), [])
  assert.equal(state.sources.get('dcu')?.files.get('a')?.record.turn, 1)
})

test('what is known of a file counts for it, also where it couldn’t be looked at yet', () => {
  const first = core()
  assert.deepEqual(first.offer(400, file(300)), anna)
  const here = { path: '/ram/./a' as ByteString, size: 10, digest: '', received: 500 }
  first.post(500, { type: 'received', seq: 1, outcome: 'created', here })
  const again = core(first.stored, 1000)
  again.change(1100, bert, [{ name: 'a', seen: 1050 }])
  assert.deepEqual(again.keys(), [])
})

test('behind a restart, what two looks at everything don’t find is gone', () => {
  const first = core()
  first.change(1000, bert, [file(500)])
  const { seen, offer, keys } = core(first.stored, 2000)
  seen(2100, [], true)
  seen(2200, [], false)
  assert.equal(keys().length, 2)
  // It was a list that lagged.
  seen(2300, [{ name: 'a', seen: 2250 }], true)
  seen(2400, [], true)
  assert.equal(keys().length, 2)
  seen(2500, [], true)
  assert.deepEqual(keys(), [])
  assert.deepEqual(offer(3000, file(2900, { version: '2', size: 11 })), bert)
})

test('what holds doesn’t make older notes younger, of files that nobody has seen since', () => {
  const first = core()
  first.change(1000, bert, [file(500, { name: 'a' })])
  const second = core(first.stored, 50_000)
  second.offer(50_200, file(50_100, { name: 'other' }))
  second.change(51_000, anna, [file(50_500, { name: 'b' })])
  second.seen(65_000, [file(50_500, { name: 'b' })])
  const third = core(first.stored, 70_000)
  assert.deepEqual(third.offer(71_000, file(70_500, { name: 'b', version: '2' })), bert)
  assert.deepEqual(third.offer(71_000, file(70_500, { name: 'a', version: '2' })), anna)
  assert.equal(third.state.sources.get('dcu')?.files.get('a')?.record.turn, 3)
})

test('Grimsel is told of the next user behind files that are still being written, for some seconds', () => {
  const { change, seen, offer, post } = core()
  const isTold = (commands: readonly { type: string }[]) => commands.some(({ type }) => type === 'tellUser')
  post(100, { type: 'userTold', turn: 1 })
  assert.equal(isTold(change(1000, bert, [file(500)])), false)
  assert.equal(isTold(seen(5000, [file(500)])), false)
  assert.equal(isTold(post(21_001, { type: 'tick' })), true)
  const other = core()
  other.post(100, { type: 'userTold', turn: 1 })
  assert.equal(isTold(other.change(1000, bert, [file(500)])), false)
  assert.equal(isTold(other.seen(5000, [])), true)
  assert.ok(offer(22_000, file(500)))
})

test('names that are noted take no more memory than a source may', () => {
  const { change, keys, state } = core()
  const names = Array.from({ length: 80 }, (_, index) => `${index}`.padEnd(1024 ** 2, 'x'))
  change(
    1000,
    bert,
    names.map((name) => file(500, { name })),
  )
  assert.equal(keys().length, 64 + 1)
  assert.equal(state.sources.get('dcu')?.characters, 64 * 1024 ** 2)
})

test('what is noted of a source that isn’t configured any more is forgotten', () => {
  const { change, stored } = core()
  change(1000, bert, [file(500)])
  const kept = [...stored].map(
    ([key, value]) => [key.replace('dcu', 'other'), isNoted(value) ? { ...value, source: 'other' } : value] as const,
  )
  const { keys } = core(new Map(kept), 2000)
  assert.deepEqual(keys(), [])
})

const isNoted = (value: unknown): value is object => typeof value === 'object' && value !== null && 'source' in value
