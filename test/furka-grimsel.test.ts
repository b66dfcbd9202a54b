import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdirSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type ByteString, bytesOfText } from '#lib/bytes.js'
import { openControl } from '#lib/control/index.js'
import { answerOf } from '#lib/furka/link/answer.js'
import { linkToControl } from '#lib/furka/link/control.js'
import { linkToPipe } from '#lib/furka/link/pipe.js'
import { startDcu } from './support/dcu-world.js'
import { checkAllThere, createFurkaPlace, openFurkaFor, openGrimselFor } from './support/furka-world.js'
import { daemonWorld, whyNoDaemon } from './support/grimsel-daemon.js'
import { until } from './support/mirror-world.js'
import { openRoot, pipeWorld } from './support/pipe-world.js'

const noDaemon = { skip: whyNoDaemon() ?? false }
const bytes = (...paths: string[]): ByteString[] => paths.map(bytesOfText)

test(
  'announcements wait while Grimsel is down, over a restart too; nothing is removed meanwhile',
  noDaemon,
  async (t) => {
    const [dcu, world] = [await startDcu(t), await daemonWorld(t)]
    const place = { ...(await createFurkaPlace(t)), buffer: world.buffer }
    const options = { grimsel: { control: world.socket }, source: { target: world.buffer } }
    const first = await openFurkaFor(t, place, dcu, options)
    await dcu.add('a.bin', Buffer.from('first'))
    await until(() => first.told.received.length === 1, 'it is here')
    await until(() => first.told.messages.length > 0, 'Grimsel is missed')
    assert.deepEqual(
      first.told.messages.map(({ code }) => code),
      ['GRIMSEL_UNAVAILABLE'],
    )
    assert.equal(first.furka.status().grimsel.failure?.code, 'ENOENT')
    assert.equal(first.furka.status().user.told, false)
    await first.furka.close()
    const second = await openFurkaFor(t, place, dcu, options)
    await second.furka.changeUser({ uid: 77 })
    await dcu.add('b.bin', Buffer.from('second'))
    await until(() => second.told.received.length === 1, 'the other one is here')
    assert.deepEqual(dcu.truth.deletes, [])
    assert.equal((await world.grimsel('start')).code, 0)
    await second.furka.idle()
    checkAllThere(dcu, world.disk)
    assert.deepEqual(
      second.told.announced.map(({ name }) => name),
      ['a.bin', 'b.bin'],
    )
    const shifts = (await world.status()).grimsel.shifts.map(({ uid }) => uid)
    assert.deepEqual(shifts.slice(0, 2), [77, 0])
    assert.ok(dcu.truth.completed.every(({ state }) => state === 'deleted'))
    // A restart of Grimsel, with work under way.
    assert.equal((await world.grimsel('stop')).code, 0)
    for (let i = 0; i < 300; i++) await dcu.add(`c${i}.bin`, Buffer.from(`content ${i}`))
    await until(() => second.told.received.length >= 100, 'some are here')
    assert.equal((await world.grimsel('start')).code, 0)
    await second.furka.idle()
    checkAllThere(dcu, world.disk)
    assert.equal(second.told.messages.filter(({ code }) => code === 'NOT_CONFIRMED' || code === 'LOST').length, 0)
  },
)

test('the control socket: what is refused is known by its place, in lists of any length', async (t) => {
  const root = await openRoot(t)
  const path = join(root, 'control')
  const seen: number[] = []
  const isBad = (one: unknown): boolean => typeof one !== 'string' || one.includes('bad')
  await using _ = await openControl({
    path,
    maxLine: 6 << 20,
    methods: {
      add: {
        call(params) {
          const { paths } = params as { readonly paths: readonly unknown[] }
          seen.push(paths.length)
          const refused = paths.filter(isBad)
          const reasons = refused.map((one) => ({
            ...(typeof one === 'string'
              ? { path: one }
              : { path: '?', pathBase64: (one as { base64: string }).base64 }),
            code: 'ERR_INVALID_ARG_VALUE',
            message: 'bad',
          }))
          return { added: paths.length - refused.length, refused: refused.length, reasons }
        },
      },
      find: {
        call(params) {
          const { paths } = params as { readonly paths: readonly string[] }
          return { files: paths.map((one) => (one.includes('bad') ? null : { storages: [] })) }
        },
      },
    },
  })
  const link = linkToControl(path, [])
  t.after(() => link.close())
  const paths = bytes(...Array.from({ length: 250 }, (_, i) => (i % 100 === 7 ? '/r/bad' : `/r/${i}`)))
  paths.push('/r/\xff' as ByteString)
  assert.deepEqual(
    (await link.announce(paths)).map(({ index }) => index),
    [7, 107, 207, 250],
  )
  assert.deepEqual(seen, [100, 100, 51])
  assert.deepEqual(await link.find?.(bytes('/r/a', '/r/bad')), [{ storages: [] }, undefined])
  await assert.rejects(link.changeUser({ uid: 1, gid: 1, userDirectory: '' }), { message: /no.*method/i })
  await link.close()
  await assert.rejects(link.announce(bytes('/r/a')), { code: 'ERR_SUSTEN_CLOSED' })
})

function makePipe(root: string): string {
  const path = join(root, 'pipe')
  execFileSync('mkfifo', [path])
  return path
}

test('the pipe: paths by line, and those that can’t be lines are refused', async (t) => {
  const { path, paths } = await pipeWorld(t)
  const link = linkToPipe(path)
  t.after(() => link.close())
  const long = `/${'d'.repeat(4095)}`
  const good = Array.from({ length: 500 }, (_, i) => `/buffer/./image ${i}`)
  const refused = await link.announce(bytes('/a\nb', ...good, long))
  assert.deepEqual(
    refused.map(({ index, error }) => [index, (error as NodeJS.ErrnoException).code]),
    [
      [0, 'EINVAL'],
      [501, 'ENAMETOOLONG'],
    ],
  )
  await until(() => paths.length === 500, 'all are read')
  assert.deepEqual(paths, good)
})

test('the pipe: nobody reads it, it isn’t one, or its reader goes', async (t) => {
  const root = await openRoot(t)
  const path = makePipe(root)
  const link = linkToPipe(path)
  t.after(() => link.close())
  await assert.rejects(link.announce(bytes('/a')), { code: 'ENXIO', message: /nobody reads it/ })
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  await link.announce(bytes('/a'))
  closeSync(reader)
  await assert.rejects(link.announce(bytes('/b')), { code: 'EPIPE' })
  await assert.rejects(link.announce(bytes('/b')), { code: 'ENXIO' })
  writeFileSync(join(root, 'file'), 'mine')
  await assert.rejects(linkToPipe(join(root, 'file')).announce(bytes('/b')), {
    code: 'EINVAL',
    message: /isn't a pipe/,
  })
  assert.equal(readFileSync(join(root, 'file'), 'utf8'), 'mine')
})

test('the pipe: a full one is waited for, and holds up nobody', async (t) => {
  const path = makePipe(await openRoot(t))
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  t.after(() => closeSync(reader))
  const link = linkToPipe(path)
  t.after(() => link.close())
  const paths = bytes(...Array.from({ length: 3000 }, (_, i) => `/buffer/./a rather long name of a file, number ${i}`))
  let done = false
  const announcing = link.announce(paths).then(() => {
    done = true
  })
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(done, false)
  let text = ''
  const buffer = Buffer.alloc(65_536)
  while (!done || text.split('\n').length <= 3000) {
    try {
      text += buffer.toString('latin1', 0, readSync(reader, buffer))
    } catch {
      // Empty for now.
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await announcing
  assert.deepEqual(text.trimEnd().split('\n'), paths)
  const stuck = link.announce([...paths, ...paths])
  await link.close()
  await assert.rejects(stuck, { code: 'ERR_SUSTEN_CLOSED' })
})

test('by the pipe files are announced, and removed at the server once they are', async (t) => {
  const [dcu, place, { path, paths }] = [await startDcu(t), await createFurkaPlace(t), await pipeWorld(t)]
  const { furka, told } = await openFurkaFor(t, place, dcu, { grimsel: { pipe: path } })
  await dcu.add('a.bin', Buffer.from('a'))
  await furka.idle()
  assert.deepEqual(paths, [`${place.buffer}/./a.bin`])
  assert.deepEqual([told.announced.length, told.removed.length, furka.status().confirm], [1, 1, 'buffer'])
})

test('what Grimsel can’t copy, or has copied otherwise, stays at the server', async (t: TestContext) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const grimsel = await openGrimselFor(t, place)
  // In the place of what it looks for there is a directory.
  mkdirSync(join(place.disk, 'a.bin'))
  const { furka, told } = await openFurkaFor(t, place, dcu, { grimsel })
  await dcu.add('a.bin', Buffer.from('a'))
  await until(() => told.messages.some(({ code }) => code === 'NOT_CONFIRMED'), 'it says so')
  assert.match(told.messages[0]?.text ?? '', /couldn't copy it: .*it stays at the source/)
  assert.deepEqual(dcu.truth.deletes, [])
  assert.equal(furka.status().sources[0]?.unconfirmed, 1)
})

test('a Grimsel of another buffer refuses; draining doesn’t wait for that', async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const grimsel = await openGrimselFor(t, place)
  const other = join(place.root, 'other')
  mkdirSync(other)
  const { furka, told } = await openFurkaFor(t, place, dcu, { grimsel, source: { target: other } })
  await dcu.add('a.bin', Buffer.from('a'))
  await until(() => told.messages.some(({ code }) => code === 'NOT_CONFIRMED'), 'it says so')
  assert.match(told.messages[0]?.text ?? '', /doesn't take it: /)
  await furka.close('drain')
  assert.deepEqual(dcu.truth.deletes, [])
})

test('a stop in the middle of an announcement says nothing of Grimsel, and the file is still to be announced', async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const path = join(place.root, 'socket')
  let asked = 0
  const add = (): Promise<never> => {
    asked += 1
    return new Promise(() => {})
  }
  const server = await openControl({ path, methods: { shift: { call: () => ({}) }, add: { call: add } } })
  t.after(() => server.close())
  const { furka, told } = await openFurkaFor(t, place, dcu, { grimsel: { control: path } })
  await dcu.add('a.bin', Buffer.from('a'))
  await until(() => asked > 0, 'it is announced')
  await furka.close('stop')
  assert.deepEqual([told.messages, told.announced, told.errors], [[], [], []])
  const { grimsel, sources } = furka.status()
  assert.deepEqual([grimsel.available, sources[0]?.unannounced], [true, 1])
})

test('what Grimsel says of a file is weighed', () => {
  const here = { digest: 'd'.repeat(32), size: 10 }
  const found = (copy: object) => ({
    storages: [
      { id: 'x', type: 'optional', state: 'copied', attempts: 0, digest: here.digest, size: 10 },
      { id: 'disk', type: 'internal', state: 'pending', attempts: 0, ...copy },
    ] as never,
  })
  const said = (copy: object): string => answerOf(found(copy), 'internal', here).answer
  assert.equal(answerOf(undefined, 'internal', here).answer, 'unknown')
  assert.equal(answerOf(found({}), 'external', here).answer, 'nowhere')
  assert.equal(said({}), 'pending')
  assert.equal(said({ state: 'whatever' }), 'pending')
  assert.equal(said({ state: 'copied', digest: here.digest, size: 10 }), 'durable')
  assert.equal(said({ state: 'copied', digest: 'e'.repeat(32), size: 10 }), 'different')
  assert.equal(said({ state: 'copied', size: 10 }), 'durable', 'a Grimsel that makes no digests')
  assert.equal(said({ state: 'copied', size: 11 }), 'different')
  assert.equal(said({ state: 'copied' }), 'different')
  assert.deepEqual(answerOf(found({ state: 'failed', error: { message: 'EIO' } }), 'internal', here), {
    answer: 'failed',
    text: 'EIO',
  })
})
