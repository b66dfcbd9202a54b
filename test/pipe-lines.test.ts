import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLines, type Found } from '#lib/source/pipe/lines.js'
import { createRandom } from './support/random.js'

function found(chunks: readonly Buffer[]): Found {
  const lines = createLines()
  for (const chunk of chunks) lines.feed(chunk)
  return lines.take()
}

/** Cuts bytes into pieces of random sizes. */
function cut(bytes: Buffer, below: (limit: number) => number): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + below(below(2) === 0 ? 4 : 6000)
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return pieces
}

test('the same lines are found, however their bytes are cut', () => {
  const random = createRandom(4)
  const kinds = [
    () => `/data/./run/${random.below(1e6)}.h5`,
    () => `/latin\xe9/\xff\xfe/${random.below(100)}`,
    () => `relative/${random.below(100)}`,
    () => '',
    () => `/with\0nul${random.below(9)}`,
    () => `/${'x'.repeat(4093 + random.below(4))}`,
    () => 'y'.repeat(4090 + random.below(20)),
    () => '/ends in a return\r',
  ]
  for (let round = 0; round < 40; round++) {
    const texts = Array.from({ length: 60 }, () => kinds[random.below(kinds.length)]?.() ?? '')
    const bytes = Buffer.from(`${texts.join('\n')}\n`, 'latin1')
    const whole = found([bytes])
    assert.deepEqual(
      whole.paths,
      texts.filter((text) => /^\/[^\0]{0,4094}$/.test(text)),
    )
    assert.deepEqual(found(cut(bytes, random.below)), whole)
  }
})

test('a path of 4095 bytes is the longest that is taken', () => {
  const longest = `/${'a'.repeat(4094)}`
  const { paths, bad } = found([Buffer.from(`${longest}\n${longest}b\n/c\n`)])
  assert.deepEqual(paths, [longest, '/c'])
  assert.deepEqual(bad, [{ reason: 'too-long', count: 1, text: `/${'a'.repeat(119)}…` }])
})

test('bad lines are counted for each reason, and the first of each is shown so that it can be printed', () => {
  const text = 'one\n/a\0\ntwo\n\x1b[2J\u202e\n/ok\nthree\n'
  const { paths, bad } = found([Buffer.from(text)])
  assert.deepEqual(paths, ['/ok'])
  assert.deepEqual(bad, [
    { reason: 'relative', count: 4, text: 'one' },
    { reason: 'nul', count: 1, text: '/a\\u0000' },
  ])
  const tricky = found([Buffer.from('\x1b[2J\u202e\xff\n')]).bad[0]?.text ?? ''
  assert.equal(tricky, '\\u001b[2J\\u202eÿ')
})

test('a line that is given up is bad, and no part of the next', () => {
  const lines = createLines()
  lines.feed(Buffer.from('/whole\n/half'))
  assert.ok(lines.isUnfinished)
  lines.giveUp()
  assert.ok(!lines.isUnfinished)
  lines.feed(Buffer.from('/next\n'))
  const { paths, bad } = lines.take()
  assert.deepEqual(paths, ['/whole', '/next'])
  assert.deepEqual(bad, [{ reason: 'unfinished', count: 1, text: '/half' }])
  assert.deepEqual(lines.take(), { paths: [], bad: [] })
})
