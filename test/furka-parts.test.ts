import assert from 'node:assert/strict'
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openEngine } from 'susten'
import { bytesOfText } from '#lib/bytes.js'
import { contentsBeside, listOnce } from '#lib/furka/beside.js'
import { createForecast } from '#lib/furka/forecast.js'
import { createLatencies } from '#lib/furka/latencies.js'
import { dropIfGrown } from '#lib/furka/receive/grown.js'
import { createStaging } from '#lib/furka/receive/index.js'
import { within } from '#lib/furka/within.js'
import { until } from './support/mirror-world.js'
import { scratch } from './support/tree.js'

/** As Furka copies. */
const copying = {
  verify: 'inline',
  durability: 'none',
  strategy: 'auto',
  uid: 'off',
  gid: 'off',
  mode: 'keep',
  times: 'off',
  xattrs: 'off',
  acls: 'off',
} as const

/** What is left after each second, from the first on. */
function seen(...free: (number | undefined)[]) {
  const forecast = createForecast()
  for (const [second, left] of free.entries()) forecast.see(second * 1000, left)
  return { forecast, at: (free.length - 1) * 1000 }
}

test('memory that becomes less by the second is full when it says', () => {
  const { forecast, at } = seen(...Array.from({ length: 21 }, (_, second) => 1e9 - second * 1e7))
  assert.equal(Math.round(forecast.secondsToFull(at) ?? 0), 80)
})

test('nothing is foreseen from too little, from growth, and from what is too far away', () => {
  assert.equal(createForecast().secondsToFull(0), undefined)
  for (const free of [
    [100, 50],
    [100, 200, 300, 400],
    [1e15, 1e15 - 1, 1e15 - 2, 1e15 - 3],
    [100, 90, 80, undefined],
  ]) {
    const { forecast, at } = seen(...free)
    assert.equal(forecast.secondsToFull(at), undefined, String(free))
  }
  const { forecast, at } = seen(100, 50, 0)
  assert.equal(forecast.secondsToFull(at), 0)
})

test('a source that tells nothing any more isn’t filling', () => {
  const { forecast, at } = seen(1000, 990, 980, 970)
  const soon = forecast.secondsToFull(at) ?? 0
  assert.ok(soon > 90 && soon < 100, `${soon}`)
  assert.ok((forecast.secondsToFull(at + 20_000) ?? 1e9) > soon)
  assert.equal(forecast.secondsToFull(at + 200_000), undefined)
})

test('a warning comes once, and again after there was room', () => {
  const forecast = createForecast()
  let [at, free] = [0, 1000]
  const warnings: number[] = []
  const go = (change: number, times: number): void => {
    for (let i = 0; i < times; i++) {
      at += 1000
      free += change
      forecast.see(at, free)
      if (forecast.warning(at) !== undefined) warnings.push(at / 1000)
    }
  }
  go(-10, 90)
  assert.equal(warnings.length, 1)
  assert.ok((warnings[0] ?? 0) >= 50 && (warnings[0] ?? 0) <= 52, `${warnings[0]}`)
  go(100, 20)
  go(-20, 90)
  assert.equal(warnings.length, 2)
})

test('the quick beginning of a series is no reason to warn while half of the memory is left', () => {
  const { forecast, at } = seen(1000, 900, 800, 700, 600)
  assert.ok((forecast.secondsToFull(at) ?? 100) < 10)
  assert.equal(forecast.warning(at), undefined)
  forecast.see(at + 1000, 490)
  assert.notEqual(forecast.warning(at + 1000), undefined)
})

test('percentiles are of the last thousand', () => {
  const latencies = createLatencies()
  assert.equal(latencies.percentiles(), undefined)
  latencies.add(7)
  assert.deepEqual(latencies.percentiles(), { p50: 7, p99: 7 })
  for (let i = 0; i < 5000; i++) latencies.add(1e6)
  for (let i = 1; i <= 1000; i++) latencies.add(i)
  assert.deepEqual(latencies.percentiles(), { p50: 500, p99: 990 })
})

test('only what the new content begins with goes, and only if nothing leads astray', async (t) => {
  const root = await scratch(t)
  const dropped = async (older: string | Buffer, newer: string | Buffer): Promise<string> => {
    writeFileSync(join(root, 'd/f.~1~'), older)
    writeFileSync(join(root, 'd/f'), newer)
    const answer = await dropIfGrown(bytesOfText(root), 'd', 'f', 'f.~1~')
    assert.equal(existsSync(join(root, 'd/f.~1~')), answer !== 'dropped')
    assert.deepEqual(readFileSync(join(root, 'd/f')), Buffer.from(newer))
    return answer
  }
  mkdirSync(join(root, 'd'))
  assert.equal(await dropped('begin', 'beginning'), 'dropped')
  assert.equal(await dropped('', 'x'), 'dropped')
  assert.equal(await dropped('begin', 'begin'), 'kept')
  assert.equal(await dropped('begun', 'beginning'), 'kept')
  assert.equal(await dropped('beginning', 'begin'), 'kept')
  const large = Buffer.alloc(700_000, 'ab')
  assert.equal(await dropped(large, Buffer.concat([large, large])), 'dropped')
  const other = Buffer.from(large)
  other[699_999] = 0
  assert.equal(await dropped(other, Buffer.concat([large, large])), 'kept')
  symlinkSync('d', join(root, 'e'))
  assert.equal(await dropIfGrown(bytesOfText(root), 'e', 'f', 'f.~1~'), 'kept')
  symlinkSync('f', join(root, 'd/l'))
  assert.equal(await dropIfGrown(bytesOfText(root), 'd', 'f', 'l'), 'link')
  assert.equal(await dropIfGrown(bytesOfText(root), 'd', 'absent', 'f'), 'kept')
})

/** Names of 200 bytes, and those that leave less and less room for what is appended; some of letters of two bytes. */
const longNames = [200, 250, 251, 252, 253, 255].flatMap((length) => [
  'n'.repeat(length),
  `${'n'.repeat(length % 2)}${'é'.repeat(Math.floor(length / 2))}`,
])

test('older contents are found under the names that the engine gives them, however long', async (t) => {
  const root = await scratch(t)
  const [src, dest] = [join(root, 'src'), join(root, 'dest')]
  for (const directory of [src, dest]) mkdirSync(directory)
  const engine = openEngine()
  t.after(() => engine.close())
  for (const name of longNames) {
    const path = bytesOfText(join(dest, name))
    const kept: string[] = []
    for (const content of ['1', 'two', 'three', 'three and more']) {
      writeFileSync(join(src, name), content)
      const file = { src: bytesOfText(name), dest: bytesOfText(name), existing: 'version' } as const
      const job = { srcRoot: bytesOfText(src), destRoot: bytesOfText(dest), options: copying, files: [file] } as const
      const [result] = await engine.copyFiles(job)
      if (result?.version !== undefined) kept.push(`${bytesOfText(dest)}/${result.version}`)
      assert.deepEqual([await contentsBeside(path), kept.length > 0], [kept, content !== '1'])
      assert.deepEqual(await contentsBeside(path, true), [path, ...kept])
    }
    rmSync(dest, { recursive: true })
    mkdirSync(dest)
  }
})

test('older contents are found behind a gap, and where very many are kept', async (t) => {
  const root = await scratch(t)
  const [src, dest] = [join(root, 'src'), join(root, 'dest')]
  for (const directory of [src, dest]) mkdirSync(directory)
  const engine = openEngine()
  t.after(() => engine.close())
  for (let number = 1; number <= 256; number++) writeFileSync(join(dest, `f.~${number}~`), 'kept long ago')
  writeFileSync(join(dest, 'f'), 'older')
  writeFileSync(join(src, 'f'), 'the newest')
  const name = bytesOfText('f')
  const files = [{ src: name, dest: name, existing: 'version' }] as const
  const job = { srcRoot: bytesOfText(src), destRoot: bytesOfText(dest), options: copying, files }
  const [result] = await engine.copyFiles(job)
  assert.match(result?.version ?? '', /^f\.~[0-9a-f]{16}~$/)
  for (let number = 1; number <= 256; number++) if (number !== 7 && number !== 12) rmSync(join(dest, `f.~${number}~`))
  // What the engine doesn't make, or makes for others, or has no content.
  for (const other of [
    'f.~0~',
    'f.~01~',
    'f.~257~',
    'f.~1~~',
    'f~1~',
    'f.~abc~',
    'ff.~1~',
    'f.~1',
    '.~1~',
    'f.~1~.~1~',
  ]) {
    writeFileSync(join(dest, other), other)
  }
  symlinkSync('f', join(dest, 'f.~2~'))
  mkdirSync(join(dest, 'f.~3~'))
  const found = await contentsBeside(bytesOfText(`${dest}/f`))
  assert.deepEqual(found, [`${dest}/f.~7~`, `${dest}/f.~12~`, `${dest}/${result?.version}`])
  assert.deepEqual(await contentsBeside(bytesOfText(`${dest}/absent/f`), true), [])
  const list = listOnce()
  assert.deepEqual(await contentsBeside(bytesOfText(`${dest}/f`), false, list), found)
  // What comes later isn't looked for; what has gone meanwhile isn't found.
  writeFileSync(join(dest, 'f.~1~'), 'later')
  rmSync(join(dest, 'f.~7~'))
  assert.deepEqual(await contentsBeside(bytesOfText(`${dest}/f`), false, list), found.slice(1))
  assert.deepEqual(await contentsBeside(bytesOfText(`${dest}/ff`), false, list), [`${dest}/ff.~1~`])
})

test('a staging directory is private, swept of what a dead process left, and gone when it isn’t used', async (t) => {
  const root = await scratch(t)
  const place = join(root, '.susten-tag-staging')
  const staging = createStaging(bytesOfText(root), 'tag', async () => {})
  mkdirSync(place, { mode: 0o700 })
  for (const name of ['17.part', 'whose.is.this']) writeFileSync(join(place, name), 'x')
  await staging.sweep()
  assert.deepEqual(readdirSync(place), ['whose.is.this'])
  const used = await Promise.all(
    [1, 2, 3].map(() =>
      staging.use(async (stage) => {
        const name = stage.name()
        await (await stage.create(name)).close()
        await stage.remove(name)
        return name
      }),
    ),
  )
  assert.equal(new Set(used).size, 3)
  assert.deepEqual(readdirSync(place), ['whose.is.this'], 'what isn’t ours stays')
  const fresh = createStaging(bytesOfText(root), 'fresh', async () => {})
  await fresh.use(async () => assert.ok(existsSync(join(root, '.susten-fresh-staging'))))
  await fresh.use(async () => {})
  await fresh.sweep()
  assert.equal(existsSync(join(root, '.susten-fresh-staging')), false)
})

test('where others take the staging directory’s name first, another one is taken, and swept like it', async (t) => {
  const root = await scratch(t)
  const staging = createStaging(bytesOfText(root), 'tag', async () => {})
  const takers: ((path: string) => void)[] = [
    (path) => mkdirSync(path, { mode: 0o755 }),
    (path) => symlinkSync('/etc', path),
    (path) => writeFileSync(path, ''),
  ]
  if (process.geteuid?.() === 0) {
    takers.push((path) => {
      mkdirSync(path, { mode: 0o700 })
      chownSync(path, 65_534, 65_534)
    })
  }
  let known = '.susten-tag-staging'
  const seen = new Set<string>()
  for (const [index, take] of takers.entries()) {
    take(join(root, known))
    const before = new Set(readdirSync(root))
    await staging.use(async (stage) => {
      const name = stage.name()
      await (await stage.create(name)).close()
      const made = readdirSync(root).filter((name) => !before.has(name))
      assert.equal(made.length, 1)
      known = made[0] ?? ''
      seen.add(known)
      assert.match(known, /^\.susten-tag-[0-9a-f]{16}-staging$/)
      assert.deepEqual(readdirSync(join(root, known)), [name])
      // The last one is left as by a process that died.
      if (index < takers.length - 1) await stage.remove(name)
    })
    await until(() => index === takers.length - 1 || !existsSync(join(root, known)), 'it is gone')
  }
  assert.equal(seen.size, takers.length)
  const foreign = ['.susten-tag-staging', ...seen].filter((name) => name !== known)
  const other = join(root, '.susten-other-0123456789abcdef-staging')
  mkdirSync(other, { mode: 0o700 })
  writeFileSync(join(other, '1.part'), 'of another process')
  await createStaging(bytesOfText(root), 'tag', async () => {}).sweep()
  assert.ok(existsSync(join(other, '1.part')))
  for (const name of foreign) assert.ok(lstatSync(join(root, name)), name)
  assert.equal(existsSync(join(root, known)), false)
})

test('those who come at once to a staging directory that wasn’t swept take nothing from one another', async (t) => {
  const root = await scratch(t)
  for (let round = 0; round < 20; round++) {
    const staging = createStaging(bytesOfText(root), 'tag', async () => {})
    mkdirSync(join(root, '.susten-tag-staging'), { mode: 0o700 })
    for (let left = 0; left < 20; left++) writeFileSync(join(root, '.susten-tag-staging', `${left}.part`), '')
    await Promise.all(
      Array.from({ length: 8 }, () =>
        staging.use(async (stage) => {
          const name = stage.name()
          await (await stage.create(name)).close()
          await new Promise((resolve) => setTimeout(resolve, 5))
          assert.ok(existsSync(`${stage.root}/${name}`))
          await stage.remove(name)
        }),
      ),
    )
    await staging.sweep()
  }
})

test('who waits for others’ code waits no longer than it wants', async () => {
  const never = new Promise<never>(() => {})
  assert.equal(await within(Promise.resolve(7), { what: 'it', timeout: 10_000 }), 7)
  await assert.rejects(within(Promise.reject(new Error('no')), { what: 'it' }), /no/)
  await assert.rejects(within(never, { what: 'answer', timeout: 5 }), { code: 'ETIMEDOUT', message: /no answer/ })
  const stopping = new AbortController()
  const waiting = within(never, { what: 'it', signal: stopping.signal })
  stopping.abort()
  await assert.rejects(waiting, { code: 'ABORT_ERR' })
  await assert.rejects(within(never, { what: 'it', signal: stopping.signal }), { code: 'ABORT_ERR' })
})
