import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import type { FileSource } from 'susten'
import type { Dcu } from '#lib/simulate/dcu/index.js'
import { startDcu } from './support/dcu-world.js'
import {
  checkAllThere,
  createFurkaPlace,
  type FurkaPlace,
  openFurkaFor,
  openGrimselFor,
  simplon,
} from './support/furka-world.js'
import { memorySource } from './support/memory-source.js'
import { until } from './support/mirror-world.js'

const skip = process.geteuid?.() !== 0 && 'needs root to give files away'
const anna = { uid: 1001, gid: 100, userDirectory: 'anna' }
const bert = { uid: 1002, gid: 200, userDirectory: 'bert' }
const bertAlone = { ...bert, userDirectory: '' }

function own(path: string, uid: number): void {
  mkdirSync(path)
  chownSync(path, uid, uid)
}

const ownerOf = (path: string): readonly number[] => {
  const { uid, gid } = statSync(path)
  return [uid, gid]
}

test('files that were complete before a change are the former user’s, those behind it the next one’s', {
  skip,
}, async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const grimsel = await openGrimselFor(t, place)
  const { furka, told } = await openFurkaFor(t, place, dcu, { grimsel, user: anna, source: { connections: 1 } })
  // One in flight, two that wait, none of them received when the user changes.
  const slow = dcu.fault({ kind: 'slow', bytesPerSecond: 200_000, on: 'data' })
  for (const name of ['a1', 'a2', 'a3']) await dcu.add(`${name}.bin`, Buffer.alloc(20_000, name))
  await until(() => furka.status().sources[0]?.receiving === 1, 'one is on its way')
  const changed = await furka.changeUser(bert)
  assert.deepEqual({ ...changed }, bert)
  assert.deepEqual(furka.status().user.uid, 1002)
  for (const name of ['b1', 'b2']) await dcu.add(`${name}.bin`, Buffer.alloc(20_000, name))
  slow.clear()
  await furka.idle()
  await grimsel.idle()
  for (const name of ['a1', 'a2', 'a3']) assert.deepEqual(ownerOf(join(place.gpfs, `anna/${name}.bin`)), [1001, 100])
  for (const name of ['b1', 'b2']) assert.deepEqual(ownerOf(join(place.gpfs, `bert/${name}.bin`)), [1002, 200])
  assert.deepEqual(
    told.users.map(({ uid, turn }) => [uid, turn]),
    [
      [1001, 1],
      [1002, 2],
    ],
  )
  // Grimsel heard of everything in order: each file is in its own user's shift.
  const found = await grimsel.find(told.received.map(({ path }) => path))
  const numbers = new Map(found.map((file) => [file?.path.split('/').at(-2), file?.shift]))
  assert.equal((numbers.get('bert') ?? 0) - (numbers.get('anna') ?? 0), 1)
  assert.ok(told.received.every(({ path }, index) => found[index]?.shift === numbers.get(path.split('/').at(-2))))
})

test('Grimsel isn’t told of the next user before it has files that were seen, and couldn’t be offered yet', {
  skip,
}, async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const grimsel = await openGrimselFor(t, place)
  const { furka, told } = await openFurkaFor(t, place, dcu, { grimsel, user: anna })
  await until(() => furka.status().sources[0]?.available === true, 'the server is there')
  // They are listed, and for a while nobody can say whether they are whole.
  const slow = dcu.fault({ kind: 'delay', ms: 300, on: 'data', methods: ['HEAD'] })
  const failing = dcu.fault({ kind: 'status', status: 503, match: 'a1', methods: ['HEAD'], times: 3 })
  for (const name of ['a1', 'a2']) await dcu.add(`${name}.bin`, Buffer.alloc(20_000, name))
  const changed = furka.changeUser(bert)
  await until(() => furka.status().user.uid === bert.uid, 'it is his turn')
  assert.equal(told.received.length, 0)
  await dcu.add('b1.bin', Buffer.alloc(20_000, 'b1'))
  slow.clear()
  await changed
  await furka.idle()
  await grimsel.idle()
  assert.equal(failing.hits, 3)
  const shifts = new Map(grimsel.status().shifts.map(({ number, uid }) => [number, uid]))
  const found = await grimsel.find(told.received.map(({ path }) => path))
  const owners = found.map((file) => [relative(place.buffer, file?.path ?? ''), shifts.get(file?.shift ?? -1)])
  assert.deepEqual(Object.fromEntries(owners), { 'anna/a1.bin': 1001, 'anna/a2.bin': 1001, 'bert/b1.bin': 1002 })
  assert.deepEqual(told.messages, [])
})

test('a name that is overwritten behind a change is the next user’s, though the former one’s file was never removed', {
  skip,
}, async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const { furka, told } = await openFurkaFor(t, place, dcu, { user: anna })
  const kept = dcu.fault({ kind: 'status', status: 500, methods: ['DELETE'] })
  await dcu.add('run.bin', Buffer.alloc(20_000, 'a'))
  await until(() => told.received.length === 1, 'it is here')
  await furka.changeUser(bert)
  await dcu.add('run.bin', Buffer.alloc(10_000, 'b'))
  await until(() => told.received.length === 2, 'the other one is here')
  kept.clear()
  await furka.idle()
  assert.deepEqual(ownerOf(join(place.buffer, 'anna/run.bin')), [1001, 100])
  assert.deepEqual(ownerOf(join(place.buffer, 'bert/run.bin')), [1002, 200])
  assert.deepEqual(
    ['anna', 'bert'].map((user) => statSync(join(place.buffer, user, 'run.bin')).size),
    [20_000, 10_000],
  )
})

test('a restart keeps the user, and whose the files are that were seen before', { skip }, async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const first = await openFurkaFor(t, place, dcu, { user: anna })
  const fault = dcu.fault({ kind: 'status', status: 503, on: 'data', methods: ['GET'] })
  await dcu.add('a.bin', Buffer.from('a'))
  await until(() => (first.furka.status().sources[0]?.failing ?? 0) === 1, 'it is known, and can’t be received')
  await first.furka.changeUser({ ...bert, userDirectory: 'u/$UID' })
  await first.furka.close('stop')
  fault.clear()
  const second = await openFurkaFor(t, place, dcu)
  const { uid, gid, userDirectory, turn } = second.furka.status().user
  assert.deepEqual({ uid, gid, userDirectory, turn }, { uid: 1002, gid: 200, userDirectory: 'u/1002', turn: 2 })
  await dcu.add('b.bin', Buffer.from('b'))
  await second.furka.idle()
  assert.deepEqual(ownerOf(join(place.buffer, 'anna/a.bin')), [1001, 100])
  assert.deepEqual(ownerOf(join(place.buffer, 'u/1002/b.bin')), [1002, 200])
  await second.furka.close()
  const third = await openFurkaFor(t, place, dcu, { user: anna })
  assert.deepEqual([third.furka.status().user.uid, third.furka.status().user.turn], [1001, 3])
  await third.furka.close()
  const fourth = await openFurkaFor(t, place, dcu, { user: anna })
  assert.equal(fourth.furka.status().user.turn, 3, 'the same user begins no turn of his own')
})

test('what a change leaves out is the default user’s, and a directory outside is refused', { skip }, async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const { furka } = await openFurkaFor(t, place, dcu, { defaultUser: anna })
  assert.deepEqual({ ...(await furka.changeUser({ uid: 7 })) }, { uid: 7, gid: 100, userDirectory: 'anna' })
  for (const userDirectory of ['/tmp', '../x', 'a/../../b']) {
    await assert.rejects(furka.changeUser({ userDirectory }), { code: 'ERR_SUSTEN_OPTION' })
  }
  await assert.rejects(furka.changeUser({ uid: -1 }), { code: 'ERR_SUSTEN_OPTION' })
  assert.equal(furka.status().user.uid, 7)
})

test('the numbers in the default user’s directory are those of each user', { skip }, async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const defaultUser = { ...anna, userDirectory: '$UID_$GID' }
  const { furka } = await openFurkaFor(t, place, dcu, { defaultUser, user: { uid: 6 } })
  assert.equal(furka.status().user.userDirectory, '6_100')
  assert.equal((await furka.changeUser({ uid: 7, gid: 8 })).userDirectory, '7_8')
  assert.equal((await furka.changeUser({})).userDirectory, `${anna.uid}_100`)
})

test('of a user directory only the last part is the user’s, on the storages too', { skip }, async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const grimsel = await openGrimselFor(t, place)
  const modes = { mode: 0o600, directoryMode: 0o700 }
  const { furka } = await openFurkaFor(t, place, dcu, {
    grimsel,
    ...modes,
    user: { ...anna, userDirectory: 'v/w/anna' },
  })
  await dcu.add('d/a.bin', Buffer.from('a'))
  await furka.idle()
  await furka.changeUser({ ...bert, userDirectory: 'v/w/bert' })
  dcu.fault({ kind: 'chunked', on: 'data' })
  await dcu.add('b.bin', Buffer.from('b'))
  await furka.idle()
  await grimsel.idle()
  const seen = ['v', 'v/w', 'v/w/anna', 'v/w/anna/d', 'v/w/bert'].map((name) => {
    const { uid, mode } = statSync(join(place.gpfs, name))
    return [name, uid, mode & 0o7777]
  })
  assert.deepEqual(seen, [
    ['v', 0, 0o755],
    ['v/w', 0, 0o755],
    ['v/w/anna', 1001, 0o700],
    ['v/w/anna/d', 1001, 0o700],
    ['v/w/bert', 1002, 0o700],
  ])
})

/** Who owns what below the target before a file comes for Anna's `v/anna`, and what is said of it. */
const foreignPlaces: Record<string, { readonly make: (buffer: string) => void; readonly said: RegExp }> = {
  'above her own': {
    make: (buffer) => own(join(buffer, 'v'), 1002),
    said: /\/v' belongs to user 1002, who could replace files of user 1001 in it; give it to root \(chown\), or remove it, or choose another user directory; it is tried again$/,
  },
  'for hers': {
    make: (buffer) => {
      own(join(buffer, 'v'), 0)
      own(join(buffer, 'v/anna'), 1002)
    },
    said: /\/v\/anna' belongs to user 1002, .*; give it to root or user 1001 \(chown\), or remove it, or choose another user directory/,
  },
}

for (const [where, { make, said }] of Object.entries(foreignPlaces)) {
  test(`nothing is written to a directory of somebody else's that stands ${where}`, { skip }, async (t) => {
    const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
    make(place.buffer)
    const { furka, told } = await openFurkaFor(t, place, dcu, { user: { ...anna, userDirectory: 'v/anna' } })
    await dcu.add('a.bin', Buffer.from('a'))
    await until(() => told.messages.length > 0, 'it is said')
    assert.deepEqual([told.messages[0]?.code, dcu.truth.completed.length], ['RECEIVE_ERROR', 1])
    assert.match(told.messages[0]?.text ?? '', said)
    assert.equal(existsSync(join(place.buffer, 'v/anna/a.bin')), false)
    chownSync(join(place.buffer, 'v'), 0, 0)
    if (existsSync(join(place.buffer, 'v/anna'))) chownSync(join(place.buffer, 'v/anna'), 1001, 100)
    await furka.idle()
    assert.deepEqual(ownerOf(join(place.buffer, 'v/anna/a.bin')), [1001, 100])
  })
}

/** The ways by which a file comes: with the engine, through this program, as a file of this computer. */
const ways: Record<string, (place: FurkaPlace, dcu: Dcu) => Ways> = {
  'by the engine': (_, dcu) => ({ source: simplon(dcu), put: (name) => dcu.add(name, Buffer.from(name)) }),
  'through this program': () => {
    const source = memorySource()
    return { source, put: async (name) => void source.put(name, name, behind()) }
  },
  'from a directory': ({ disk }) => {
    const source = memorySource()
    source.locating = ({ name }) => ({ type: 'path', root: disk, name })
    const put = async (name: string): Promise<void> => {
      mkdirSync(join(disk, dirname(name)), { recursive: true })
      writeFileSync(join(disk, name), name)
      source.put(name, name, behind())
    }
    return { source, put }
  },
}

/** What is seen in the millisecond of a change is the former user's still. */
const behind = () => ({ seen: Date.now() + 1 })

interface Ways {
  readonly source: FileSource
  readonly put: (name: string) => Promise<unknown>
}

for (const [way, open] of Object.entries(ways)) {
  for (const userDirectory of ['', 'shared']) {
    const where = userDirectory === '' ? 'without a user directory' : 'in a user directory of root’s'
    test(`nothing is written to a former user’s directory ${where}: ${way}`, { skip }, async (t) => {
      const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
      const below = join(place.buffer, userDirectory)
      if (userDirectory !== '') own(below, 0)
      const { source, put } = open(place, dcu)
      const user = { ...anna, userDirectory }
      const { furka, told } = await openFurkaFor(t, place, dcu, { source: { source }, user })
      await put('lyso/a.h5')
      await furka.idle()
      assert.deepEqual(ownerOf(join(below, 'lyso')), [1001, 100])
      await furka.changeUser({ ...bert, userDirectory })
      await put('lyso/b.h5')
      await put('lyso/deep/b.h5')
      await put('other/b.h5')
      const isSaid = () => told.messages.length > 0 && furka.status().sources[0]?.failing === 2
      await until(() => isSaid() && told.received.length === 2, 'two of them fail')
      for (const { code, text } of told.messages) {
        assert.equal(code, 'RECEIVE_ERROR')
        assert.match(
          text,
          /\/lyso' belongs to user 1001, who could replace files of user 1002 in it; give it to root or user 1002 \(/,
        )
      }
      assert.deepEqual(readdirSync(join(below, 'lyso')), ['a.h5'])
      // Meanwhile the former user's own directory is his, and the next one's is the next one's.
      await furka.changeUser(user)
      await put('lyso/c.h5')
      await until(() => told.removed.length === 3, 'the former user has it')
      assert.deepEqual(told.removed.map(({ name }) => name).sort(), ['lyso/a.h5', 'lyso/c.h5', 'other/b.h5'])
      chownSync(join(below, 'lyso'), 0, 0)
      await furka.idle()
      assert.deepEqual(ownerOf(join(below, 'lyso/b.h5')), [1002, 200])
      assert.deepEqual(ownerOf(join(below, 'lyso/deep')), [1002, 200])
      assert.deepEqual(ownerOf(join(below, 'lyso/c.h5')), [1001, 100])
    })
  }
}

test('each directory on the way to a file counts, and those of whom the target belongs to do no harm', {
  skip,
}, async (t) => {
  const place = await createFurkaPlace(t)
  const [target, source] = [join(place.buffer, 'home'), memorySource()]
  own(target, 1003)
  own(join(target, 'his'), 1003)
  own(join(target, 'former'), 1001)
  own(join(target, 'former/root'), 0)
  source.put('his/b', 'b')
  source.put('former/root/b', 'b')
  const { furka, told } = await openFurkaFor(t, place, 'localhost', { source: { source, target }, user: bertAlone })
  await until(() => told.messages.length > 0 && told.received.length > 0, 'one is here, of the other it is said')
  assert.match(told.messages[0]?.text ?? '', /\/former' belongs to user 1001/)
  assert.deepEqual(ownerOf(join(target, 'his/b')), [1002, 200])
  assert.deepEqual(readdirSync(join(target, 'former/root')), [])
  chownSync(join(target, 'former'), 1002, 200)
  await furka.idle()
  assert.deepEqual(ownerOf(join(target, 'former/root/b')), [1002, 200])
})

test('a file’s directory that somebody else makes at the last moment isn’t written to', { skip }, async (t) => {
  const place = await createFurkaPlace(t)
  const source = memorySource()
  const { reading } = source
  source.reading = (file) => {
    if (!existsSync(join(place.buffer, 'd'))) own(join(place.buffer, 'd'), 1001)
    return reading(file)
  }
  source.put('d/b', 'his')
  const { told } = await openFurkaFor(t, place, 'localhost', { source: { source }, user: bertAlone })
  await until(() => told.messages.length > 0, 'it is said')
  assert.match(told.messages[0]?.text ?? '', /\/d' belongs to user 1001/)
  assert.deepEqual([readdirSync(join(place.buffer, 'd')), told.received, source.files.size], [[], [], 1])
})

test('directories of root’s, and all of a target that is a user’s own, are written to', { skip }, async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  // Whose the target is, and what the operator chose behind its /./.
  own(join(place.buffer, 'home'), 1002)
  own(join(place.buffer, 'home/v'), 1002)
  own(join(place.buffer, 'home/v/anna'), 0)
  own(join(place.buffer, 'det'), 1003)
  for (const [target, userDirectory] of [
    [join(place.buffer, 'home'), 'v/anna'],
    [`${place.buffer}/./det`, 'anna'],
    [`${place.buffer}/./det`, ''],
  ] as const) {
    const source = { target, source: memorySource() }
    source.source.put('a', `for ${target}${userDirectory}`)
    const { furka, told } = await openFurkaFor(t, place, dcu, { source, user: { ...anna, userDirectory } })
    await furka.idle()
    assert.deepEqual(told.messages, [])
    assert.deepEqual(ownerOf(join(target, userDirectory, 'a')), [1001, 100])
    await furka.close()
    rmSync(place.journal, { recursive: true })
  }
})

test('where anybody may make directories, one that was made under a user’s name first isn’t written to', {
  skip,
}, async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  chmodSync(place.buffer, 0o1777)
  own(join(place.buffer, 'det'), 1002)
  const source = { target: `${place.buffer}/./det` }
  const { told } = await openFurkaFor(t, place, dcu, { source, user: anna })
  await dcu.add('a.bin', Buffer.from('a'))
  await until(() => told.messages.length > 0, 'it is said')
  assert.match(told.messages[0]?.text ?? '', /\/det' belongs to user 1002/)
  assert.equal(existsSync(join(place.buffer, 'det/anna')), false)
})

test('a directory that somebody else makes at the last moment counts as none of the user’s', { skip }, async (t) => {
  const place = await createFurkaPlace(t)
  chmodSync(place.buffer, 0o1777)
  const source = memorySource()
  const { reading } = source
  // Between the look at the directories and the writing.
  source.reading = (file) => {
    if (!existsSync(join(place.buffer, 'anna'))) own(join(place.buffer, 'anna'), 1002)
    return reading(file)
  }
  source.put('a', 'hers')
  const { told } = await openFurkaFor(t, place, 'localhost', { source: { source }, user: anna })
  await until(() => told.messages.length > 0, 'it is said')
  assert.match(told.messages[0]?.text ?? '', /\/anna' belongs to user 1002/)
  assert.deepEqual([told.received, source.files.size], [[], 1])
})

test('changes of user are made one after the other', { skip }, async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const grimsel = await openGrimselFor(t, place)
  const { furka, told } = await openFurkaFor(t, place, dcu, { grimsel })
  await Promise.all([1, 2, 3].map((uid) => furka.changeUser({ uid })))
  await dcu.add('c.bin', Buffer.from('c'))
  await furka.idle()
  assert.deepEqual(
    told.users.map(({ uid }) => uid),
    [0, 1, 2, 3],
  )
  assert.deepEqual(
    grimsel
      .status()
      .shifts.map(({ uid }) => uid)
      .slice(0, 4),
    [3, 2, 1, 0],
  )
  assert.equal(ownerOf(join(place.buffer, 'c.bin'))[0], 3)
})

test('right after the opening, too, what is complete at the server is the former user’s', { skip }, async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  await dcu.add('a.bin', Buffer.from('a'))
  const { furka } = await openFurkaFor(t, place, dcu, { user: anna })
  await furka.changeUser(bert)
  await furka.idle()
  assert.deepEqual(ownerOf(join(place.buffer, 'anna/a.bin')), [1001, 100])
})

test('Grimsel knows whose turn it is, with and without a directory', { skip }, async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const grimsel = await openGrimselFor(t, place)
  const { furka } = await openFurkaFor(t, place, dcu, { grimsel, user: anna })
  await furka.changeUser({ ...anna, userDirectory: '' })
  await furka.changeUser({ uid: 5, gid: 6, userDirectory: 'x/$UID' })
  await furka.idle()
  assert.deepEqual(
    grimsel
      .status()
      .shifts.slice(0, 3)
      .map(({ uid, gid, userDirectory }) => [uid, gid, userDirectory]),
    [
      [5, 6, 'x/5'],
      [1001, 100, undefined],
      [1001, 100, 'anna'],
    ],
  )
})

test('a server that hangs holds up a change of user for some seconds only', { skip }, async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const { furka } = await openFurkaFor(t, place, dcu)
  await until(() => furka.status().sources[0]?.available === true, 'it is there')
  dcu.fault({ kind: 'stall', on: 'list' })
  const begun = performance.now()
  await furka.changeUser(bert)
  assert.ok(performance.now() - begun < 20_000)
  assert.equal(furka.status().user.uid, 1002)
})

test('users who can’t be given files to are refused before anything is received', async (t) => {
  if (process.geteuid?.() !== 0) return t.skip('needs root to become somebody else')
  const place = await createFurkaPlace(t)
  const code = `
    process.setgroups([]); process.setgid(65534); process.setuid(65534)
    const { checkMayGive } = await import(${JSON.stringify(new URL('../../dist/furka/ownership.js', import.meta.url).href)})
    checkMayGive({ uid: 65534, gid: 65534 })
    for (const [uid, gid] of [[1, 65534], [65534, 1]]) {
      try { checkMayGive({ uid, gid }); console.log('given') } catch (error) { console.log(error.code) }
    }`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
    cwd: '/',
  })
  assert.deepEqual([stdout, stderr], ['ERR_SUSTEN_OPTION\nERR_SUSTEN_OPTION\n', ''])
  assert.equal(existsSync(place.journal), false)
})

test('chunked answers and places get the same owner', { skip }, async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  dcu.fault({ kind: 'chunked', on: 'data' })
  const { furka } = await openFurkaFor(t, place, dcu, { user: anna, mode: 0o600, directoryMode: 0o700 })
  await dcu.add('d/e/a.bin', Buffer.from('a'))
  await furka.idle()
  checkAllThere(dcu, join(place.buffer, 'anna'))
  for (const name of ['anna', 'anna/d', 'anna/d/e', 'anna/d/e/a.bin']) {
    assert.deepEqual(ownerOf(join(place.buffer, name)), [1001, 100], name)
    assert.equal(statSync(join(place.buffer, name)).mode & 0o7777, name.endsWith('bin') ? 0o600 : 0o700, name)
  }
})
