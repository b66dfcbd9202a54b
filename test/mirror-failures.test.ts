import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FailureFilter, NativeFault, SustenError } from 'susten'
import { all, createPlace, figures, filesBelow, heard, message, open, until } from './support/mirror-world.js'

/** Every file fails at the owner: its own trouble, not the storage's. */
const refused: NativeFault = { call: 'futimens', effect: 'EPERM', times: -1 }

test('a target that is not there is not made; the storage is unavailable, and the other goes on', async (t) => {
  const place = await createPlace(t)
  rmdirSync(place.gpfs)
  for (let i = 0; i < 5; i++) place.write(`run/f${i}`)
  const { mirror, told } = await open(t, place)
  await until(() => figures(mirror, 'disk').copied === 5, 'all files on the disk')
  const { state, reason, pending } = figures(mirror, 'gpfs')
  assert.deepEqual({ state, reason, pending }, { state: 'down', reason: 'ENOENT', pending: 5 })
  assert.ok(!existsSync(place.gpfs))
  const said = message(told, 'STORAGE_UNAVAILABLE')
  assert.deepEqual([said?.storage, said?.subject, said?.severity], ['gpfs', place.gpfs, 'error'])

  mkdirSync(place.gpfs)
  await mirror.idle()
  assert.equal(filesBelow(place.gpfs).length, 5)
  assert.equal((await heard(told, 'STORAGE_BACK')).storage, 'gpfs')
  assert.equal(figures(mirror, 'gpfs').state, 'up')
})

test('a target that vanishes while files are copied stops its own queue alone', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place)
  place.write('before')
  await mirror.idle()
  renameSync(place.gpfs, `${place.gpfs}.away`)
  for (let i = 0; i < 20; i++) place.write(`run/f${i}`)
  await until(() => figures(mirror, 'disk').copied === 21, 'all files on the disk')
  await until(() => figures(mirror, 'gpfs').state === 'down', 'gpfs is down')
  assert.ok(!existsSync(place.gpfs))
  renameSync(`${place.gpfs}.away`, place.gpfs)
  await mirror.idle()
  assert.deepEqual(filesBelow(place.gpfs), filesBelow(place.source))
})

test('a target that is a file is unavailable', async (t) => {
  const place = await createPlace(t)
  rmdirSync(place.gpfs)
  writeFileSync(place.gpfs, '')
  place.write('image')
  const { mirror } = await open(t, place)
  await until(() => figures(mirror, 'disk').copied === 1, 'the file on the disk')
  await until(() => figures(mirror, 'gpfs').state === 'down', 'gpfs is down')
  assert.deepEqual([figures(mirror, 'gpfs').pending, figures(mirror, 'gpfs').reason], [1, 'ENOTDIR'])
})

test('a storage without room stops its own queue, and goes on when there is some', async (t) => {
  const place = await createPlace(t)
  const faults: NativeFault[] = [
    { call: 'pwrite', effect: 'ENOSPC', times: 3 },
    { call: 'write', effect: 'ENOSPC', times: 3 },
  ]
  for (let i = 0; i < 10; i++) place.write(`f${i}`)
  const { mirror, told } = await open(t, place, { engines: { gpfs: { faults } } })
  await mirror.idle()
  assert.deepEqual(filesBelow(place.gpfs), filesBelow(place.source))
  assert.match((await heard(told, 'STORAGE_UNAVAILABLE')).text, /'gpfs'.*ENOSPC/)
  assert.equal((await heard(told, 'STORAGE_BACK')).storage, 'gpfs')
  assert.deepEqual(told.failed, [])
})

test('a slow storage holds up no other', async (t) => {
  const place = await createPlace(t)
  // The slow one takes 100 seconds for what the other does at once.
  const faults: NativeFault[] = [{ call: 'futimens', effect: 'delay', delay: 1000, times: -1 }]
  for (let i = 0; i < 100; i++) place.write(`f${i}`)
  const { mirror, told } = await open(t, place, { gpfs: { concurrency: 1 }, engines: { gpfs: { faults } } })
  await until(() => figures(mirror, 'disk').copied === 100, 'all files on the disk')
  const early = told.copied.filter(({ storage }) => storage === 'gpfs').length
  assert.ok(early < 100, `${early} on the slow one`)
  assert.ok(figures(mirror, 'gpfs').pending > 0)
  await mirror.close('stop')
})

test('a file that fails is tried again with growing waits, then failed with its reason', async (t) => {
  const place = await createPlace(t)
  const path = place.write('image')
  const { mirror, told } = await open(t, place, { engines: { gpfs: { faults: [refused] } } })
  await mirror.idle()
  assert.equal(place.on('disk', 'image'), 'content of image')
  const [failed] = told.failed
  assert.equal(told.failed.length, 1)
  assert.ok(failed)
  assert.deepEqual(
    [failed.storage, failed.path, failed.dest, failed.attempts],
    ['gpfs', path, join(place.gpfs, 'image'), 3],
  )
  const error = failed.error as SustenError
  assert.deepEqual([error.name, error.code, error.errno, error.syscall], ['SustenError', 'EPERM', -1, 'futimens'])
  assert.deepEqual([figures(mirror, 'gpfs').failed, figures(mirror, 'gpfs').pending], [1, 0])
  assert.deepEqual(filesBelow(place.gpfs), [])
  assert.match(
    (await heard(told, 'COPY_ERROR')).text,
    /Failed to copy .*image to .*image: operation not permitted \(EPERM, futimens\)/,
  )
})

test('failures are listed with their reasons, per storage or all', async (t) => {
  const place = await createPlace(t)
  for (const name of ['a', 'b', 'c']) place.write(name)
  const { mirror } = await open(t, place, { engines: { gpfs: { faults: [refused] } } })
  await mirror.idle()
  const listed = await all(mirror.failures())
  assert.deepEqual(
    listed.map(({ storage, path, error }) => [storage, path, error.code]).sort(),
    ['a', 'b', 'c'].map((name) => ['gpfs', join(place.source, name), 'EPERM']),
  )
  assert.deepEqual(await all(mirror.failures({ storage: 'disk' })), [])
  assert.equal((await all(mirror.failures({ storage: 'gpfs' }))).length, 3)
  const one = await all(mirror.failures({ path: 'b' }))
  assert.deepEqual(
    one.map(({ storage, path }) => [storage, path]),
    [['gpfs', join(place.source, 'b')]],
  )
  assert.deepEqual(await all(mirror.failures({ storage: 'disk', path: 'b' })), [])
  assert.deepEqual(await all(mirror.failures({ path: 'never announced' })), [])
  assert.throws(() => mirror.failures({ storage: 'tape' }), {
    code: 'ERR_SUSTEN_OPTION',
    message: "there is no storage 'tape'; known are disk, gpfs",
  })
  assert.throws(() => mirror.failures('disk' as FailureFilter), {
    code: 'ERR_SUSTEN_OPTION',
    message: "failures: options must be an object, not 'disk'",
  })
})

test('retry() tries failed files again', async (t) => {
  const place = await createPlace(t)
  for (const name of ['a', 'b', 'c']) place.write(name)
  // As many as three files take for their attempts.
  const faults = [{ ...refused, times: 9 }]
  const { mirror } = await open(t, place, { engines: { gpfs: { faults } } })
  await mirror.idle()
  assert.equal(figures(mirror, 'gpfs').failed, 3)
  assert.equal(await mirror.retry({ path: join(place.source, 'a') }), 1)
  await mirror.idle()
  assert.deepEqual(filesBelow(place.gpfs), ['a'])
  assert.equal(await mirror.retry({ storage: 'disk' }), 0)
  assert.equal(await mirror.retry(), 2)
  await mirror.idle()
  assert.deepEqual(filesBelow(place.gpfs), ['a', 'b', 'c'])
  assert.deepEqual(await all(mirror.failures()), [])
  assert.deepEqual([figures(mirror, 'gpfs').failed, figures(mirror, 'gpfs').copied], [0, 3])
})

test('dismiss() drops failed files from the list, and from the figures', async (t) => {
  const place = await createPlace(t)
  for (const name of ['a', 'b']) place.write(name)
  const { mirror } = await open(t, place, { engines: { gpfs: { faults: [refused] } } })
  await mirror.idle()
  assert.equal(await mirror.dismiss({ storage: 'gpfs', path: 'a' }), 1)
  assert.deepEqual(
    (await all(mirror.failures())).map(({ path }) => path),
    [join(place.source, 'b')],
  )
  assert.equal(await mirror.dismiss(), 1)
  assert.deepEqual(await all(mirror.failures()), [])
  assert.equal(figures(mirror, 'gpfs').failed, 0)
  assert.equal(figures(mirror, 'disk').copied, 2)
})

test('a failed file that is announced again is tried again', async (t) => {
  const place = await createPlace(t)
  const path = place.write('image')
  const { mirror, told } = await open(t, place, { engines: { gpfs: { faults: [{ ...refused, times: 3 }] } } })
  await mirror.idle()
  assert.equal(told.failed.length, 1)
  await mirror.add(path)
  await mirror.idle()
  assert.equal(place.on('gpfs', 'image'), 'content of image')
})

test('failures are still listed after a restart, and can be retried then', async (t) => {
  const place = await createPlace(t)
  place.write('image')
  const { mirror } = await open(t, place, { engines: { gpfs: { faults: [refused] } } })
  await mirror.idle()
  await mirror.close()
  const { mirror: next } = await open(t, place)
  await next.idle()
  const [failed] = await all(next.failures())
  assert.deepEqual([failed?.storage, failed?.error.code, failed?.attempts], ['gpfs', 'EPERM', 3])
  assert.equal(await next.retry(), 1)
  await next.idle()
  assert.equal(place.on('gpfs', 'image'), 'content of image')
})

test('a file that was announced and is gone fails at once, with ENOENT', async (t) => {
  const place = await createPlace(t)
  const { mirror, told } = await open(t, place, { watch: false })
  await mirror.add('run/never.there')
  await mirror.idle()
  assert.deepEqual(told.failed.map(({ storage, error, attempts }) => [storage, error.code, attempts]).sort(), [
    ['disk', 'ENOENT', 1],
    ['gpfs', 'ENOENT', 1],
  ])
  place.write('run/never.there', 'there after all')
  assert.equal(await mirror.retry(), 2)
  await mirror.idle()
  assert.equal(place.on('disk', 'run/never.there'), 'there after all')
})

test('what was gone when it was to be copied, and comes back, is found by a scan', async (t) => {
  const place = await createPlace(t)
  const { mirror, told } = await open(t, place)
  await mirror.idle()
  mirror.pause()
  const path = place.write('image')
  await until(() => figures(mirror, 'disk').pending === 1, 'the file was found')
  rmSync(path)
  mirror.resume()
  await until(() => told.failed.length === 2, 'it failed')
  const fd = openSync(path, 'w')
  t.after(() => closeSync(fd))
  writeSync(fd, 'never closed')
  await mirror.scan()
  await mirror.idle()
  assert.equal(place.on('disk', 'image'), 'never closed')
})

test('announced directories, links and FIFOs fail at once', async (t) => {
  const place = await createPlace(t)
  mkdirSync(join(place.source, 'directory'))
  symlinkSync(place.write('file'), join(place.source, 'link'))
  spawnSync('mkfifo', [join(place.source, 'fifo')])
  const { mirror, told } = await open(t, place, { watch: false })
  const names = ['directory', 'fifo', 'link']
  await mirror.add(names)
  await mirror.idle()
  assert.deepEqual(
    told.failed.map(({ storage, path, error, attempts }) => [storage, path, error.code, attempts].join(' ')).sort(),
    ['disk', 'gpfs'].flatMap((storage) =>
      names.map((name) => `${storage} ${join(place.source, name)} ERR_SUSTEN_NOT_REGULAR 1`),
    ),
  )
  assert.deepEqual(filesBelow(place.disk), [])
})

test('a file that keeps changing is waited for, without failing', async (t) => {
  const place = await createPlace(t)
  const path = place.write('image', 'x')
  const faults: NativeFault[] = [
    { call: 'pwrite', effect: 'delay', delay: 200, times: -1 },
    { call: 'write', effect: 'delay', delay: 200, times: -1 },
  ]
  const { mirror, told } = await open(t, place, { engines: { disk: { faults }, gpfs: { faults } }, watch: false })
  let changing = true
  const writer = (async () => {
    while (changing) {
      appendFileSync(path, 'x')
      await sleep(2)
    }
  })()
  await mirror.add(path)
  await until(() => figures(mirror, 'disk').waiting === 1, 'the copy waits for quiet')
  assert.ok(!existsSync(join(place.disk, 'image')))
  changing = false
  await writer
  await mirror.idle()
  assert.equal(place.on('disk', 'image'), place.on('gpfs', 'image'))
  assert.match(place.on('disk', 'image'), /^x{3,}$/)
  assert.deepEqual(told.failed, [])
})

test('a file whose name a directory has on one storage fails there alone', async (t) => {
  const place = await createPlace(t)
  for (let i = 0; i < 5; i++) place.write(`good/f${i}`)
  place.write('blocked', 'x')
  mkdirSync(join(place.gpfs, 'blocked'))
  const { mirror, told } = await open(t, place)
  await mirror.idle()
  assert.equal(filesBelow(join(place.gpfs, 'good')).length, 5)
  assert.deepEqual(
    told.failed.map(({ storage, error }) => [storage, error.code]),
    [['gpfs', 'EISDIR']],
  )
  assert.equal(figures(mirror, 'gpfs').state, 'up')
})

test('I/O errors stop a storage until it works again', async (t) => {
  const place = await createPlace(t)
  for (let i = 0; i < 8; i++) place.write(`f${i}`)
  const faults: NativeFault[] = [{ call: 'futimens', effect: 'EIO', times: 12 }]
  const { mirror, told } = await open(t, place, { engines: { gpfs: { faults } } })
  await mirror.idle()
  assert.deepEqual(filesBelow(place.gpfs), filesBelow(place.source))
  assert.match((await heard(told, 'STORAGE_UNAVAILABLE')).text, /EIO/)
})

test('a source that vanishes is told; its files go on when it is back', async (t) => {
  const place = await createPlace(t)
  const { mirror, told } = await open(t, place)
  place.write('before')
  await mirror.idle()
  renameSync(place.source, `${place.source}.away`)
  await until(() => message(told, 'SOURCE_UNAVAILABLE') !== undefined, 'the source is missed')
  assert.equal(mirror.status().source.available, false)
  writeFileSync(join(`${place.source}.away`, 'meanwhile'), 'm')
  renameSync(`${place.source}.away`, place.source)
  await until(() => message(told, 'SOURCE_BACK') !== undefined, 'the source is back')
  await until(() => figures(mirror, 'disk').copied === 2 && figures(mirror, 'gpfs').copied === 2, 'the new file')
  place.write('after')
  await until(() => figures(mirror, 'disk').copied === 3 && figures(mirror, 'gpfs').copied === 3, 'it is watched again')
})

test('a repeated message is told once, with a count later', async (t) => {
  const place = await createPlace(t)
  for (let i = 0; i < 30; i++) place.write(`f${i}`)
  const { mirror, told } = await open(t, place, { engines: { gpfs: { faults: [refused] } } })
  await mirror.idle()
  assert.equal(told.failed.length, 30)
  assert.equal(told.messages.filter(({ code }) => code === 'COPY_ERROR').length, 1)
})
