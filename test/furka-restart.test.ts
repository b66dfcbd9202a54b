/** What a Furka that ended, in whatever way, leaves to the next one. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ByteString } from '#lib/bytes.js'
import { createState, decide } from '#lib/furka/core/index.js'
import type { FurkaUser } from '#lib/furka/user.js'
import { createFurkaPlace, openFurkaFor, openGrimselFor } from './support/furka-world.js'
import { memorySource } from './support/memory-source.js'
import { filesBelow, until } from './support/mirror-world.js'

/** What became of it at the server while no Furka was there. */
const meanwhiles = {
  'another one is under its name': (source: ReturnType<typeof memorySource>) =>
    source.put('a', 'other content, longer'),
  'it is gone': () => {},
}

for (const [what, meanwhile] of Object.entries(meanwhiles)) {
  test(`a file that came to its name, and of which nobody noted that, is handed over when ${what}`, async (t) => {
    const place = await createFurkaPlace(t)
    const grimsel = await openGrimselFor(t, place)
    const source = memorySource()
    source.reading = () => new Promise(() => {})
    const target = `${place.buffer}/./det`
    const first = await openFurkaFor(t, place, undefined, { sources: [{ source, target }], grimsel })
    source.put('a', 'the content')
    await until(() => source.asked.includes('read a'), 'it is being received')
    await until(() => first.furka.status().journal.bytes > 0, 'that is journaled')
    // Another user's directory: the next content of the name goes there, and doesn't meet this one.
    await first.furka.changeUser({ userDirectory: 'bert' })
    await first.furka.close('stop')
    // As a process that is killed between the two leaves it.
    mkdirSync(join(place.buffer, 'det'), { recursive: true })
    writeFileSync(join(place.buffer, 'det/a'), 'the content')
    const again = memorySource()
    meanwhile(again)
    const { furka, told } = await openFurkaFor(t, place, undefined, { sources: [{ source: again, target }], grimsel })
    if (again.files.size === 0) again.tell({ type: 'withdrawn', name: 'a', version: '11' })
    await furka.idle()
    await grimsel.idle()
    assert.deepEqual(told.errors, [])
    const contents = filesBelow(place.gpfs).map((name) => readFileSync(join(place.gpfs, name), 'utf8'))
    const others = what === 'it is gone' ? [] : ['other content, longer']
    assert.deepEqual(contents.sort(), [...others, 'the content'].sort())
  })
}

const early = () => Promise.resolve({ outcome: 'early', after: 600_000 } as const)
const [part, whole] = ['part 1', 'part 1 and part 2']

/** How a source shows, after the restart, that a file has grown that was received in part before. */
const growths: Record<string, (source: ReturnType<typeof memorySource>) => void> = {
  'while nobody looked': (source) => source.put('a', whole),
  'after it was offered as it was': (source) => {
    const { seen } = source.put('a', part)
    source.put('a', whole, { seen })
  },
  'as its removal finds': (source) => {
    const { removing } = source
    source.removing = async (file) => {
      const removal = await removing(file)
      if (removal.outcome === 'changed') source.put('a', whole)
      return removal
    }
    source.files.set('a', { offer: { ...source.put('b', ''), name: 'a', version: 'x' }, content: Buffer.from(whole) })
  },
}

for (const [when, grow] of Object.entries(growths)) {
  test(`a former user’s file that grows behind a restart stays his: it has grown ${when}`, async (t) => {
    const [place, source] = [await createFurkaPlace(t), memorySource()]
    source.removing = early
    const target = place.buffer
    const defaultUser = { userDirectory: 'anna' }
    const first = await openFurkaFor(t, place, undefined, { sources: [{ source, target }], defaultUser })
    source.put('a', part)
    await until(() => first.told.received.length === 1, 'its beginning is here')
    await first.furka.changeUser({ userDirectory: 'bert' })
    await first.furka.close()
    const again = memorySource()
    grow(again)
    const { furka, told } = await openFurkaFor(t, place, undefined, {
      sources: [{ source: again, target }],
      defaultUser,
    })
    await until(() => told.received.some(({ size }) => size === whole.length), 'all of it is here')
    again.put('c', 'the next one')
    await furka.idle()
    assert.equal(readFileSync(join(place.buffer, 'anna/a'), 'utf8'), whole)
    assert.deepEqual(
      filesBelow(place.buffer).filter((name) => !name.endsWith('/b')),
      ['anna/a', 'bert/c'],
    )
  })
}

test('what a restart finds under a name is the running user’s where it can’t be what was there, grown', () => {
  const sources = [{ id: 'dcu', target: '/ram', connections: 1 }]
  const config = { sources, grimsel: 'none', grimselPlace: '', confirm: 'buffer' } as const
  const [anna, bert] = ['anna', 'bert'].map((userDirectory) => ({ uid: 0, gid: 0, userDirectory })) as [
    FurkaUser,
    FurkaUser,
  ]
  const offer = { name: 'a', path: 'a' as ByteString, version: '1', exact: true, size: 100, seen: 1000 }
  const turns = [anna, bert].map((user, index) => ({ number: index + 1, since: index * 2000, user, told: true }))
  const ownerOf = (size: number, now: number) => {
    const files = [{ seq: 1, source: 'dcu', offer, turn: 1, at: 1500 }]
    const state = createState(config, now, { turns, files }, bert)
    decide(state, [{ type: 'source', at: now, source: 'dcu', available: true }])
    decide(state, [{ type: 'offered', at: now, source: 'dcu', offer: { ...offer, version: '2', size, seen: now } }])
    return turns.find(({ number }) => number === state.files.get(2)?.record.turn)?.user.userDirectory
  }
  assert.deepEqual(
    [ownerOf(101, 5000), ownerOf(100, 5000), ownerOf(99, 5000), ownerOf(101, 3_600_000)],
    ['anna', 'bert', 'bert', 'bert'],
  )
})

/** Another Furka takes what is at the source by then, for whom it was. */
async function isHersAfterRestart(t: TestContext, place: Awaited<ReturnType<typeof createFurkaPlace>>): Promise<void> {
  const again = memorySource()
  again.put('a', 'hers')
  const { furka } = await openFurkaFor(t, place, undefined, { sources: [{ source: again, target: place.buffer }] })
  await furka.idle()
  assert.deepEqual(filesBelow(place.buffer), ['anna/a'])
}

test('what a source had seen when the user changed stays the former one’s over a restart', async (t) => {
  const [place, source] = [await createFurkaPlace(t), memorySource()]
  const sources = [{ source, target: place.buffer }]
  const first = await openFurkaFor(t, place, undefined, { sources, defaultUser: { userDirectory: 'anna' } })
  const seen = Date.now()
  source.state({ unsettled: 1 })
  source.reading = () => new Promise(() => {})
  let isDone = false
  const change = first.furka.changeUser({ userDirectory: 'bert' }).then(() => {
    isDone = true
  })
  await until(() => first.furka.status().user.turn === 2, 'his turn has begun')
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(isDone, false, 'it waits for what was seen')
  source.put('a', 'hers', { seen })
  source.state({ unsettled: 0 })
  await change
  await first.furka.close('stop')
  await isHersAfterRestart(t, place)
})

test('closing waits for what a source had seen when the user changed, and a change for some seconds only', async (t) => {
  const [place, source] = [await createFurkaPlace(t), memorySource()]
  const sources = [{ source, target: place.buffer }]
  const first = await openFurkaFor(t, place, undefined, { sources, defaultUser: { userDirectory: 'anna' } })
  const seen = Date.now()
  source.state({ unsettled: 1 })
  await first.furka.changeUser({ userDirectory: 'bert' })
  const closing = first.furka.close()
  await new Promise((resolve) => setTimeout(resolve, 200))
  source.put('a', 'hers', { seen })
  source.state({ unsettled: 0 })
  await closing
  await isHersAfterRestart(t, place)
})

test('what is seen once a change of user is done is the next one’s, however soon that is', async (t) => {
  const [place, source] = [await createFurkaPlace(t), memorySource()]
  const { furka } = await openFurkaFor(t, place, undefined, { sources: [{ source, target: place.buffer }] })
  for (let turn = 2; turn < 30; turn++) {
    await furka.changeUser({ userDirectory: `u${turn}` })
    source.put(`f${turn}`, `${turn}`)
    assert.ok(Date.now() > furka.status().user.since)
  }
  await furka.idle()
  const expected = Array.from({ length: 28 }, (_, index) => `u${index + 2}/f${index + 2}`)
  assert.deepEqual(filesBelow(place.buffer), expected.sort())
})
