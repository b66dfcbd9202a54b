/** What a Furka that ended, in whatever way, leaves to the next one. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
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
