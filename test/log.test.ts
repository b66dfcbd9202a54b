import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SustenError } from 'susten'
import { type Log, type LogOptions, openLog } from '#lib/log/index.js'
import { mount, whyNot } from './support/mounts.js'
import { openRoot, until } from './support/pipe-world.js'

const openAt = (path: string, more: Partial<LogOptions> = {}): Promise<Log> =>
  openLog({ path, maxSize: 1 << 20, maxNumber: 3, ...more })

const linesOf = (...paths: string[]): Record<string, unknown>[] =>
  paths.flatMap((path) =>
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  )

test('lines are JSON with level, time and process; errors keep their code; tricky characters are escaped', async (t) => {
  const path = join(await openRoot(t), 'log')
  const log = await openAt(path)
  log.info({ event: 'one', file: 'a\u001b[2J\u202e\u009bü' }, 'a text')
  log.error({ err: new SustenError('no space', { code: 'ENOSPC', errno: -28, path: '/x' }) }, 'failed')
  log.warn({ err: 'just text' }, 'odd')
  await log.close()
  const text = readFileSync(path, 'utf8')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
  const [one, two, three] = linesOf(path)
  assert.deepEqual(
    { ...one, time: 0 },
    { level: 'info', time: 0, pid: process.pid, event: 'one', file: 'a\u001b[2J\u202e\u009bü', msg: 'a text' },
  )
  assert.ok(Math.abs(Date.parse(String(one?.['time'])) - Date.now()) < 60_000)
  assert.deepEqual(two?.['err'], { message: 'no space', code: 'ENOSPC', errno: -28, path: '/x' })
  assert.deepEqual(three?.['err'], { message: 'just text' })
})

test('a file that is full becomes the first of the older ones, of which so many are kept', async (t) => {
  const root = await openRoot(t)
  const path = join(root, 'log')
  writeFileSync(`${path}.7`, 'of a former configuration')
  writeFileSync(`${path}.old`, 'not ours')
  const log = await openAt(path, { maxSize: 4096, maxNumber: 2 })
  for (let number = 0; number < 100; number++) log.info({ number, filler: 'x'.repeat(100) }, 'line')
  await log.close()
  assert.deepEqual(readdirSync(root).sort(), ['log', 'log.1', 'log.2', 'log.old'])
  const kept = linesOf(`${path}.2`, `${path}.1`, path).map(({ number }) => Number(number))
  const first = 100 - kept.length
  assert.ok(first > 0 && kept.length > 40, String(kept.length))
  assert.deepEqual(
    kept,
    Array.from(kept, (_, index) => first + index),
  )
  for (const each of [path, `${path}.1`, `${path}.2`]) assert.ok(readFileSync(each).length <= 4096)
  // The next start goes on with what is there.
  const next = await openAt(path, { maxSize: 4096, maxNumber: 2 })
  next.info({ number: 100 }, 'line')
  await next.close()
  assert.equal(linesOf(path).at(-1)?.['number'], 100)
})

test('no older file is kept where none is wanted, and a line longer than a file is still written', async (t) => {
  const root = await openRoot(t)
  const log = await openAt(join(root, 'log'), { maxSize: 4096, maxNumber: 0 })
  for (let number = 0; number < 50; number++) log.info({ number, filler: 'x'.repeat(200) }, 'line')
  log.info({ number: 50, filler: 'x'.repeat(10_000) }, 'long')
  await log.close()
  assert.deepEqual(readdirSync(root), ['log'])
  assert.equal(linesOf(join(root, 'log')).at(-1)?.['number'], 50)
})

test('a log that was moved away is made anew when asked', async (t) => {
  const path = join(await openRoot(t), 'log')
  const log = await openAt(path)
  log.info({}, 'before')
  await until(() => readFileSync(path, 'utf8') !== '')
  renameSync(path, `${path}.moved`)
  log.reopen()
  log.info({}, 'after')
  await log.close()
  assert.deepEqual(
    [`${path}.moved`, path].map((each) => linesOf(each).map(({ msg }) => msg)),
    [['before'], ['after']],
  )
})

test('the last words are written at once, behind what waits', async (t) => {
  const path = join(await openRoot(t), 'log')
  const log = await openAt(path)
  log.info({}, 'waits')
  log.fatal({ err: new TypeError('a mistake') }, 'ends')
  const [waits, ends] = linesOf(path)
  assert.deepEqual([waits?.['msg'], ends?.['msg'], ends?.['level']], ['waits', 'ends', 'fatal'])
  assert.match(JSON.stringify(ends?.['err']), /a mistake.*log\.test/)
  await log.close()
  assert.equal(linesOf(path).length, 2)
})

test('a log file that others could make point elsewhere is refused', async (t) => {
  const root = await openRoot(t)
  const path = join(root, 'log')
  const target = join(root, 'target')
  const refused = async (code: string, why: RegExp): Promise<void> => {
    await assert.rejects(openAt(path), (error: unknown) => {
      assert.ok(error instanceof SustenError, String(error))
      assert.equal(error.code, code)
      assert.match(error.message, why)
      return true
    })
    rmSync(path, { recursive: true })
  }
  writeFileSync(target, '')
  symlinkSync(target, path)
  await refused('EEXIST', /symbolic link/)
  linkSync(target, path)
  await refused('EPERM', /second name/)
  assert.equal(readFileSync(target, 'utf8'), '')
  if (process.geteuid?.() === 0) {
    writeFileSync(path, '')
    chownSync(path, 1234, 1234)
    await refused('EPERM', /belongs to user 1234/)
  }
  chmodSync(root, 0o777)
  await assert.rejects(openAt(path), /everybody may write to/)
})

test('a full disk costs lines, which are counted, and nobody waits for it', {
  skip: whyNot('tmpfs') ?? false,
}, async (t) => {
  const { path: root, unmount } = mount('tmpfs', 1 << 20)
  t.after(unmount)
  chmodSync(root, 0o755)
  const path = join(root, 'log')
  const log = await openAt(path, { maxSize: 1 << 22 })
  const filler = 'x'.repeat(60_000)
  for (let number = 0; number < 60; number++) log.info({ number, filler }, 'line')
  await until(() => readFileSync(path).length >= (1 << 20) - 70_000)
  for (let number = 60; number < 160; number++) log.info({ number, filler }, 'line')
  assert.ok(log.lost > 50)
  const { lost } = log
  // Somebody makes room.
  rmSync(path)
  log.reopen()
  await until(() => {
    try {
      return linesOf(path).some(({ event }) => event === 'lost')
    } catch {
      return false
    }
  })
  assert.equal(linesOf(path).find(({ event }) => event === 'lost')?.['count'], lost)
  await log.close()
})
