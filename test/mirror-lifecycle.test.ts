import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readdirSync, readFileSync, readlinkSync, rmdirSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Mirror, type MirrorEvent, type NativeFault, SustenError } from 'susten'
import { all, createPlace, figures, filesBelow, open, optionsFor, until } from './support/mirror-world.js'

const closed = { name: 'SustenError', code: 'ERR_SUSTEN_CLOSED' }
const slow: NativeFault = { call: 'futimens', effect: 'delay', delay: 50, times: -1 }

test('pause() begins no copies, announcements are still taken; resume() goes on', async (t) => {
  const place = await createPlace(t)
  const { mirror, told } = await open(t, place, { watch: false })
  mirror.pause()
  await mirror.add(place.write('image'))
  assert.equal(mirror.status().paused, true)
  assert.deepEqual([figures(mirror, 'disk').paused, figures(mirror, 'disk').pending], [true, 1])
  assert.deepEqual([told.copied, filesBelow(place.disk)], [[], []])
  mirror.resume()
  await mirror.idle()
  assert.deepEqual(filesBelow(place.disk), ['image'])
})

test('pause() of one storage leaves the others be', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place, { watch: false })
  mirror.pause('gpfs')
  await mirror.add(place.write('image'))
  await until(() => figures(mirror, 'disk').copied === 1, 'the file on the disk')
  assert.deepEqual([figures(mirror, 'disk').paused, figures(mirror, 'gpfs').paused], [false, true])
  assert.deepEqual(filesBelow(place.gpfs), [])
  mirror.resume('gpfs')
  await mirror.idle()
  assert.deepEqual(filesBelow(place.gpfs), ['image'])
})

test('resuming all resumes a storage that was paused alone, too', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place, { watch: false })
  mirror.pause('gpfs')
  mirror.pause()
  mirror.resume()
  await mirror.add(place.write('image'))
  await mirror.idle()
  assert.deepEqual(filesBelow(place.gpfs), ['image'])
})

test('an unknown storage is refused by its name', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place)
  const refused = { code: 'ERR_SUSTEN_OPTION', message: "there is no storage 'tape'; known are disk, gpfs" }
  assert.throws(() => mirror.pause('tape'), refused)
  assert.throws(() => mirror.resume('tape'), refused)
  await assert.rejects(mirror.acceptStorage('tape'), refused)
  await assert.rejects(mirror.retry({ storage: 'tape' }), refused)
})

test('calls with arguments that mean nothing are refused, and say what is meant', async (t) => {
  const place = await createPlace(t)
  const path = place.write('image')
  const { mirror } = await open(t, place, { watch: false })
  const refused = (message: RegExp) => ({ name: 'SustenError', code: 'ERR_SUSTEN_OPTION', message })
  const loose = mirror as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
  const call = async (name: string, ...args: unknown[]): Promise<unknown> => loose[name]?.(...args)
  await assert.rejects(call('add', path, path), refused(/^add: takes one path or a list of paths/))
  for (const id of [undefined, null, { storage: 'disk' }]) {
    await assert.rejects(call('acceptStorage', id), refused(/^there is no storage .*; known are disk, gpfs$/))
  }
  await assert.rejects(call('retry', 'image'), refused(/^retry: options must be an object, not 'image'$/))
  assert.equal(mirror.status().storages[0]?.pending, 0)
})

test('an event that does not exist, and a listener that is none, are refused by their names', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place, { watch: false })
  for (const listening of [mirror.on, mirror.once, mirror.off]) {
    const call = listening as (type: string, listener?: unknown) => unknown
    const mistyped = /^there is no event 'copyed'; known are copied, failed, message, idle, error$/
    assert.throws(() => call('copyed', () => {}), { code: 'ERR_SUSTEN_OPTION', message: mistyped })
    const missing = /^a listener of 'copied' must be a function, not undefined$/
    assert.throws(() => call('copied'), { code: 'ERR_SUSTEN_OPTION', message: missing })
  }
  // @ts-expect-error The compiler refuses it too.
  assert.throws(() => mirror.on('copyed', () => {}))
})

test('close() drains: what was announced is copied first', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place, { watch: false, engines: { gpfs: { faults: [slow] } } })
  await mirror.add(Array.from({ length: 20 }, (_, i) => place.write(`f${i}`)))
  await mirror.close()
  assert.equal(filesBelow(place.disk).length, 20)
  assert.equal(filesBelow(place.gpfs).length, 20)
})

test('idle() and close() know of every file that was complete before the call', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place)
  await mirror.idle()
  place.write('new')
  place.write('deep/er/new')
  await mirror.idle()
  assert.deepEqual(filesBelow(place.disk), ['deep/er/new', 'new'])
  place.write('last')
  place.write('deep/est/last')
  await mirror.close()
  assert.deepEqual(filesBelow(place.gpfs), ['deep/er/new', 'deep/est/last', 'last', 'new'])
})

test('close() does not wait for a file that is never quiet', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place)
  await mirror.idle()
  const path = place.write('new/busy')
  const writer = setInterval(() => appendFileSync(path, 'more'), 5)
  t.after(() => clearInterval(writer))
  await mirror.close()
})

test('close() does not wait for a storage that is out, nor for one that is paused', async (t) => {
  const place = await createPlace(t)
  rmdirSync(place.gpfs)
  const { mirror } = await open(t, place, { watch: false })
  await mirror.add(place.write('image'))
  await mirror.close()
  assert.deepEqual(filesBelow(place.disk), ['image'])

  const other = await createPlace(t)
  const { mirror: paused } = await open(t, other, { watch: false })
  paused.pause('disk')
  await paused.add(other.write('image'))
  await paused.close()
  assert.deepEqual([filesBelow(other.disk), filesBelow(other.gpfs)], [[], ['image']])
})

test("close('stop') gives up what is under way, and leaves no temp file", async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place, { watch: false, engines: { gpfs: { faults: [slow] } } })
  await mirror.add(Array.from({ length: 200 }, (_, i) => place.write(`f${i}`)))
  await until(() => figures(mirror, 'gpfs').copying > 0, 'copies are under way')
  await mirror.close('stop')
  const names = filesBelow(place.gpfs)
  assert.ok(names.length < 200, `${names.length} copies`)
  assert.deepEqual(
    names.filter((name) => name.includes('.susten-')),
    [],
  )
})

test("close('stop') cuts a drain short", async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place, { watch: false, engines: { gpfs: { faults: [slow] } } })
  await mirror.add(Array.from({ length: 500 }, (_, i) => place.write(`f${i}`)))
  const drained = mirror.close()
  await Promise.all([mirror.close('stop'), drained])
  assert.ok(filesBelow(place.gpfs).length < 500)
})

test('closing twice is closing once', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place)
  await Promise.all([mirror.close(), mirror.close()])
  await mirror.close('stop')
  await mirror[Symbol.asyncDispose]()
  assert.throws(() => mirror.close('now' as 'stop'), { code: 'ERR_SUSTEN_OPTION' })
})

test('a closed Mirror takes no calls that need it open, and still tells its figures', async (t) => {
  const place = await createPlace(t)
  const path = place.write('image')
  const { mirror } = await open(t, place)
  await mirror.idle()
  await mirror.close()
  await assert.rejects(mirror.add(path), closed)
  await assert.rejects(mirror.retry(), closed)
  await assert.rejects(mirror.dismiss(), closed)
  await assert.rejects(mirror.acceptStorage('disk'), closed)
  await assert.rejects(mirror.scan(), closed)
  for (const id of [undefined, 'disk']) {
    assert.throws(() => mirror.pause(id), closed)
    assert.throws(() => mirror.resume(id), closed)
  }
  await mirror.idle()
  assert.equal(figures(mirror, 'disk').copied, 1)
})

test('idle() that waits when the Mirror is closed is rejected', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place, { watch: false })
  mirror.pause()
  await mirror.add(place.write('image'))
  const idle = assert.rejects(mirror.idle(), closed)
  await mirror.close('stop')
  await idle
})

test('the signal of idle() stops the waiting, not the Mirror', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place, { watch: false })
  mirror.pause()
  await mirror.add(place.write('image'))
  const stopping = new AbortController()
  const idle = mirror.idle({ signal: stopping.signal })
  const reason = new Error('enough')
  stopping.abort(reason)
  const aborted = { name: 'AbortError', code: 'ABORT_ERR' }
  await assert.rejects(idle, { ...aborted, cause: reason })
  await assert.rejects(mirror.idle({ signal: AbortSignal.abort(reason) }), { ...aborted, cause: reason })
  mirror.resume()
  await mirror.idle()
  assert.deepEqual(filesBelow(place.disk), ['image'])
})

test('idle is told once each time that work is over', async (t) => {
  const place = await createPlace(t)
  const { mirror, told } = await open(t, place, { watch: false })
  for (let round = 1; round <= 3; round++) {
    await mirror.add(place.write(`f${round}`))
    await mirror.idle()
    assert.equal(told.idles.count, round)
  }
})

test('an AbortSignal stops the Mirror', async (t) => {
  const place = await createPlace(t)
  const stopping = new AbortController()
  const { mirror } = await open(t, place, { signal: stopping.signal })
  await mirror.idle()
  stopping.abort()
  await assert.rejects(mirror.add('image'), closed)
  await mirror.close()
  await using next = await Mirror.open(optionsFor(place))
  await next.idle()
})

test('a signal that is aborted before or while it opens keeps a Mirror from opening, and leaves the journal free', async (t) => {
  const place = await createPlace(t)
  const aborted = { name: 'AbortError', code: 'ABORT_ERR', cause: 'enough' }
  const before = Mirror.open({ ...optionsFor(place), signal: AbortSignal.abort('enough') })
  await assert.rejects(before, (error) => error instanceof SustenError)
  await assert.rejects(before, aborted)
  const stopping = new AbortController()
  const opening = Mirror.open({ ...optionsFor(place), signal: stopping.signal })
  stopping.abort('enough')
  await assert.rejects(opening, aborted)
  await using mirror = await Mirror.open(optionsFor(place))
  await mirror.idle()
})

test('leaving an await using scope closes the Mirror', async (t) => {
  const place = await createPlace(t)
  let left: Mirror
  {
    await using mirror = await Mirror.open(optionsFor(place))
    left = mirror
  }
  await assert.rejects(left.add('image'), closed)
})

test('a closed Mirror leaves no thread and no descriptor', async (t) => {
  const place = await createPlace(t)
  place.write('image')
  const life = async (): Promise<void> => {
    const mirror = await Mirror.open(optionsFor(place))
    await mirror.idle()
    await mirror.close()
  }
  await life()
  const before = held(place.root)
  for (let i = 0; i < 5; i++) await life()
  assert.deepEqual(held(place.root), before)
})

/** Threads of this library, and descriptors such as it opens: those of the process itself come and go. */
function held(root: string): Record<string, number> {
  const threads = readdirSync('/proc/self/task').map((id) =>
    textOf(() => readFileSync(`/proc/self/task/${id}/comm`, 'utf8')),
  )
  const links = readdirSync('/proc/self/fd').map((fd) => textOf(() => readlinkSync(`/proc/self/fd/${fd}`)))
  const count = (list: string[], pattern: RegExp): number => list.filter((one) => pattern.test(one)).length
  return {
    threads: count(threads, /^susten/),
    files: links.filter((link) => link.startsWith(root)).length,
    watches: count(links, /inotify/),
    mounts: count(links, /mounts$/),
    polls: count(links, /eventpoll|eventfd/),
  }
}

function textOf(read: () => string): string {
  try {
    return read()
  } catch {
    return 'gone meanwhile'
  }
}

test('events come as an iteration until the Mirror is closed', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place, { watch: false })
  const seen: MirrorEvent['type'][] = []
  const events = mirror.events()
  const reading = (async () => {
    for await (const event of events) if (event.type !== 'lost') seen.push(event.type)
  })()
  await mirror.add(place.write('image'))
  await mirror.idle()
  await mirror.close()
  await reading
  assert.deepEqual(seen, ['copied', 'copied', 'idle'])
})

test('a slow reader of events loses the newest, and is told how many', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place, { watch: false })
  const events = mirror.events({ limit: 10 })
  await mirror.add(Array.from({ length: 50 }, (_, i) => place.write(`f${i}`)))
  await mirror.idle()
  await mirror.close()
  const read = await all(events)
  assert.equal(read.length, 11)
  assert.ok(read.slice(0, 10).every(({ type }) => type === 'copied'))
  const [lost] = read.slice(10)
  assert.ok(lost?.type === 'lost')
  assert.equal(lost.count, 91, '100 copies and idle, of which 10 were kept')
})

test('an iteration of events can be left early, or ended by its signal', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place, { watch: false })
  const stopping = new AbortController()
  const ended = (async () => {
    for await (const _ of mirror.events({ signal: stopping.signal }));
  })()
  const left = (async () => {
    for await (const event of mirror) return event.type
    return 'ended'
  })()
  await mirror.add(place.write('image'))
  assert.equal(await left, 'copied')
  stopping.abort()
  await ended
  assert.throws(() => mirror.events({ limit: 0 }), { code: 'ERR_SUSTEN_OPTION' })
})

test('a listener that throws stops nothing; what it threw is an error event', async (t) => {
  const place = await createPlace(t)
  const { mirror, told } = await open(t, place, { watch: false })
  const mistake = new Error('a mistake')
  mirror.on('copied', () => {
    throw mistake
  })
  mirror.on('copied', async () => {
    throw mistake
  })
  await mirror.add(place.write('image'))
  await mirror.idle()
  assert.equal(told.copied.length, 2)
  assert.deepEqual(told.errors, [mistake, mistake, mistake, mistake])
})

test('a mistake of a listener that nobody listens for is a warning of the process', async (t) => {
  const place = await createPlace(t)
  const mirror = await Mirror.open(optionsFor(place, { watch: false }))
  t.after(() => mirror.close())
  mirror.once('copied', () => {
    throw new TypeError('a mistake')
  })
  const warned = once(process, 'warning') as Promise<[Error]>
  await mirror.add(place.write('image'))
  const [warning] = await warned
  assert.match(warning.message, /a mistake/)
})

test('a listener may throw what can not even be shown', async (t) => {
  const place = await createPlace(t)
  const mirror = await Mirror.open(optionsFor(place, { watch: false }))
  t.after(() => mirror.close())
  mirror.once('copied', () => {
    throw Object.create(null)
  })
  const warned = once(process, 'warning') as Promise<[Error]>
  await mirror.add(place.write('image'))
  const [warning] = await warned
  assert.match(warning.message, /can't be shown/)
})

test('once() hears one event, off() no more', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place, { watch: false })
  const heard: string[] = []
  const listener = (): void => {
    heard.push('on')
  }
  mirror.on('copied', listener).once('copied', () => heard.push('once'))
  mirror.pause('gpfs')
  await mirror.add(place.write('a'))
  await until(() => figures(mirror, 'disk').copied === 1, 'one copy')
  await until(() => heard.length >= 2, 'it was told')
  mirror.off('copied', listener)
  mirror.resume()
  mirror.resume('gpfs')
  await mirror.idle()
  assert.deepEqual(heard.sort(), ['on', 'once'])
})

const program = fileURLToPath(new URL('./fixtures/mirror-exit.js', import.meta.url))
for (const step of ['closed', 'drained', 'disposed', 'aborted', 'refused', 'exit', 'exit while copying']) {
  test(`a process ends by itself, well, when its Mirror is at: ${step}`, async (t) => {
    const place = await createPlace(t)
    for (let i = 0; i < 20; i++) place.write(`f${i}`, 'x'.repeat(10_000))
    const { status, signal, stderr } = spawnSync(process.execPath, [program, place.root, step], {
      encoding: 'utf8',
      timeout: 60_000,
    })
    assert.deepEqual([status, signal, stderr], [0, null, ''])
  })
}

test('200,000 files that wait for a storage stay out of the heap', async (t) => {
  if (process.env['SUSTEN_SANITIZER'] !== undefined) return t.skip('a sanitizer has memory of its own')
  const place = await createPlace(t)
  rmdirSync(place.gpfs)
  const memory = fileURLToPath(new URL('./fixtures/mirror-memory.js', import.meta.url))
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--expose-gc', memory, place.root, '200000'], {
    encoding: 'utf8',
    timeout: 120_000,
  })
  assert.equal(status, 0, stderr)
  const { grown, ...rest } = JSON.parse(stdout) as Record<string, number>
  assert.deepEqual(rest, { disk: 200_000, gpfs: 200_000, records: 200_000 })
  t.diagnostic(`${((grown ?? 0) / 2 ** 20).toFixed(1)} MiB for 200,000 files`)
  assert.ok(grown !== undefined && grown < 64 * 2 ** 20, `${grown} bytes`)
})
