import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openSimplon } from 'susten'
import { hostileNames } from '#lib/simulate/dcu/index.js'
import { startDcu } from './support/dcu-world.js'
import { checkAllThere, createFurkaPlace, openFurkaFor, openGrimselFor } from './support/furka-world.js'
import { filesBelow, until } from './support/mirror-world.js'
import { quick } from './support/source-world.js'
import { leftovers } from './support/tree.js'

/** Content that no part of which is like another. */
function content(size: number, seed = 1): Buffer {
  const buffer = Buffer.alloc(size)
  for (let i = 0; i + 4 <= size; i += 4) buffer.writeUInt32LE(Math.imul(i + seed, 2654435761) >>> 0, i)
  return buffer
}

for (const kind of ['chunked', 'gzip'] as const) {
  test(`answers that come ${kind} are received the slow way`, async (t) => {
    const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
    dcu.fault({ kind, on: 'data' })
    const { furka, told } = await openFurkaFor(t, place, dcu, { defaultUser: { userDirectory: 'u' } })
    for (const [index, size] of [0, 1, 300_000].entries()) await dcu.add(`d/${index}.bin`, content(size))
    await furka.idle()
    checkAllThere(dcu, join(place.buffer, 'u'))
    assert.deepEqual(told.messages, [])
    assert.ok(dcu.truth.completed.every(({ state }) => state === 'deleted'))
    assert.deepEqual(readdirSync(place.buffer), ['u'], 'nothing is left beside it')
  })
}

test('files come by TLS', async (t) => {
  const place = await createFurkaPlace(t)
  const [key, cert] = [join(place.root, 'key.pem'), join(place.root, 'cert.pem')]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const subject = ['-subj', '/CN=dcu', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const dcu = await startDcu(t, { tls: { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') } })
  const source = openSimplon({ host: dcu.url, ...quick, ca: readFileSync(cert, 'utf8') })
  const { furka, told } = await openFurkaFor(t, place, undefined, { sources: [{ source, target: place.buffer }] })
  await dcu.acquire({ images: 4, imagesPerFile: 2 })
  await furka.idle()
  checkAllThere(dcu, place.buffer)
  assert.deepEqual([told.messages, await leftovers(place.buffer)], [[], []])
})

const transient = {
  'cut in the middle': { kind: 'cut', after: 5000, on: 'data', times: 6 },
  'promised to be longer': { kind: 'length', by: 100, on: 'data', times: 6 },
  reset: { kind: 'reset', on: 'any', times: 30 },
  'answered with 500': { kind: 'status', status: 500, on: 'any', times: 40 },
  'answered with 404, all of them': { kind: 'status', status: 404, on: 'any', times: 40 },
  stalled: { kind: 'stall', after: 1000, on: 'data', times: 3 },
} as const

for (const [what, fault] of Object.entries(transient)) {
  test(`files whose transfers are ${what} arrive whole in the end, and once`, async (t) => {
    const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
    const { furka, told } = await openFurkaFor(t, place, dcu, { source: { stallTimeout: 100 } })
    dcu.fault(fault)
    for (let i = 0; i < 8; i++) await dcu.add(`f${i}.bin`, content(20_000, i))
    await furka.idle()
    checkAllThere(dcu, place.buffer)
    assert.equal(filesBelow(place.buffer).length, 8)
    assert.ok(dcu.truth.completed.every(({ state }) => state === 'deleted'))
    assert.deepEqual(
      told.messages.filter(({ code }) => code === 'LOST' || code === 'COLLISION'),
      [],
    )
  })
}

test('names that are no paths are refused, and stay at the server; nothing is outside the target', async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const { furka, told } = await openFurkaFor(t, place, dcu, { source: { target: `${place.buffer}/./a/b` } })
  await dcu.addHostile()
  await furka.idle()
  const refused = furka.status().sources[0]?.refused ?? 0
  const deleted = dcu.truth.files.filter(({ state }) => state === 'deleted').length
  assert.ok(refused > 5 && deleted > 5, `${refused} refused, ${deleted} taken`)
  assert.equal(filesBelow(join(place.buffer, 'a/b')).length, deleted)
  assert.deepEqual(readdirSync(place.buffer), ['a'])
  assert.deepEqual(readdirSync(place.root).sort(), ['buffer', 'disk', 'furka-journal', 'gpfs'])
  assert.ok(told.messages.every(({ code }) => code === 'NAME_REFUSED'))
  assert.ok(hostileNames.length >= refused + deleted)
})

test('a name that comes again with other content keeps both contents, and both are announced', async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const grimsel = await openGrimselFor(t, place)
  const { furka, told } = await openFurkaFor(t, place, dcu, { grimsel })
  const contents = [content(3000, 1), content(3000, 2), content(100, 3)]
  for (const one of contents) {
    await dcu.add('d/series_1_master.h5', one)
    await furka.idle()
  }
  const names = ['d/series_1_master.h5.~1~', 'd/series_1_master.h5.~2~', 'd/series_1_master.h5']
  for (const [index, name] of names.entries()) {
    assert.deepEqual(readFileSync(join(place.buffer, name)), contents[index], name)
  }
  assert.deepEqual(
    told.received.map(({ outcome }) => outcome),
    ['created', 'versioned', 'versioned'],
  )
  assert.equal(told.received[1]?.version, `${place.buffer}/./d/series_1_master.h5.~1~`)
  await grimsel.idle()
  for (const [index, name] of names.slice(0, 2).entries()) {
    assert.deepEqual(readFileSync(join(place.disk, name)), contents[index], `the disk has ${name}`)
  }
  assert.deepEqual(readFileSync(join(place.disk, names[2] ?? '')), contents[2])
  assert.ok(told.messages.every(({ code }) => code === 'COLLISION'))
})

test('a file that grows after it was received is received anew, and its beginning isn’t kept', async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const { told } = await openFurkaFor(t, place, dcu, { grimsel: { control: join(place.root, 'nobody') } })
  const whole = content(600_000)
  await dcu.add('g.bin', whole.subarray(0, 300_000))
  await until(() => told.received.length === 1, 'its beginning is here')
  await dcu.add('g.bin', whole)
  await until(() => told.received.length === 2, 'all of it is here')
  assert.deepEqual(
    told.received.map(({ outcome }) => outcome),
    ['created', 'replaced'],
  )
  assert.deepEqual(readFileSync(join(place.buffer, 'g.bin')), whole)
  assert.deepEqual(readdirSync(place.buffer), ['g.bin'])
})

test('a link under the name stays, under another one, and leads nobody astray', async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  symlinkSync(join(place.root, 'elsewhere'), join(place.buffer, 'l.bin'))
  symlinkSync(place.gpfs, join(place.buffer, 'd'))
  const grimsel = await openGrimselFor(t, place)
  const { furka, told } = await openFurkaFor(t, place, dcu, { grimsel })
  await dcu.add('l.bin', content(100))
  await until(() => told.removed.length === 1, 'it is here')
  assert.deepEqual(filesBelow(place.buffer), ['d', 'l.bin', 'l.bin.~1~'])
  assert.equal(existsSync(join(place.root, 'elsewhere')), false)
  assert.equal(told.received[0]?.version, undefined)
  await dcu.add('d/x.bin', content(100))
  await until(() => told.messages.some(({ code }) => code === 'RECEIVE_ERROR'), 'a link is no directory')
  assert.deepEqual(readdirSync(place.gpfs), ['l.bin'])
  assert.equal(dcu.truth.deletes.length, 1)
  assert.equal(furka.status().sources[0]?.failing, 1)
})

test('a server that restarts loses nothing that was complete and received; what was not is told as lost', async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const { furka, told } = await openFurkaFor(t, place, dcu)
  await dcu.acquire({ images: 2, imagesPerFile: 1 })
  await furka.idle()
  const slow = dcu.fault({ kind: 'stall', after: 10, on: 'data' })
  await dcu.add('gone.bin', content(100_000))
  await until(() => furka.status().sources[0]?.receiving === 1, 'it is on its way')
  await dcu.restart({ downtime: 100 })
  slow.clear()
  await until(() => told.messages.some(({ code }) => code === 'LOST'), 'it is lost')
  // The series id begins anew: the same names, other contents perhaps.
  await dcu.acquire({ images: 2, imagesPerFile: 1 })
  await furka.idle()
  assert.equal(furka.status().sources[0]?.lost, 1)
  assert.deepEqual(
    dcu.truth.completed.filter(({ state }) => state !== 'deleted').map(({ name }) => name),
    ['gone.bin'],
  )
})

test('a drain doesn’t wait for a server that only drips', async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  dcu.fault({ kind: 'slow', bytesPerSecond: 100, on: 'data', methods: ['GET'] })
  const { furka, told } = await openFurkaFor(t, place, dcu, { source: { stallTimeout: 100 } })
  await dcu.add('a.bin', Buffer.alloc(1_000_000))
  await until(() => furka.status().sources[0]?.receiving === 1, 'it is on its way')
  await furka.close()
  assert.deepEqual([told.received, filesBelow(place.buffer)], [[], []])
})
