/** Trees that are deeper than any ordinary program can go. */
import assert from 'node:assert/strict'
import { chmodSync, chownSync, lstatSync } from 'node:fs'
import { test } from 'node:test'
import { createPlace, figures, filesBelow, heard, open, optionsFor } from './support/mirror-world.js'
import { command } from './support/mounts.js'

test('what lies deeper than a path can name is told, and hinders nothing', async (t) => {
  const place = await createPlace(t)
  const deep =
    'import os,sys; os.chdir(sys.argv[1]); [(os.mkdir("aa"), os.chdir("aa")) for _ in range(1500)]; open("f", "w").close()'
  command('python3', '-c', deep, place.source)
  place.write('image')
  const { mirror, told } = await open(t, place)
  await mirror.idle()
  assert.deepEqual(filesBelow(place.disk), ['image'])
  assert.match((await heard(told, 'SCAN_ERROR')).text, /ENAMETOOLONG/)
  assert.equal(figures(mirror, 'gpfs').copied, 1)
})

test('a path that is too long is refused', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place, { watch: false })
  await assert.rejects(mirror.add(`${'a/'.repeat(2100)}f`), { code: 'ENAMETOOLONG' })
  await assert.rejects(mirror.add(`${'a/'.repeat(5_000_000)}f`), { code: 'ENAMETOOLONG' })
})

test("the directories of a storage's layout are nobody's but the administrator's", async (t) => {
  if (process.geteuid?.() !== 0) return t.skip('needs root')
  const place = await createPlace(t)
  place.write('u1/run7/image')
  for (const name of ['u1', 'u1/run7']) {
    chownSync(`${place.source}/${name}`, 1001, 1001)
    chmodSync(`${place.source}/${name}`, 0o770)
  }
  const options = optionsFor(place, { disk: { target: `${place.disk}/./current/raw` } })
  const { mirror } = await open(t, place, { storages: options.storages, watch: false })
  await mirror.add('u1/./run7/image')
  await mirror.idle()
  const owners = ['current', 'current/raw', 'current/raw/run7'].map((name) => {
    const { uid, mode } = lstatSync(`${place.disk}/${name}`)
    return `${uid} ${(mode & 0o7777).toString(8)}`
  })
  assert.deepEqual(owners, ['0 755', '0 755', '1001 770'])
})
