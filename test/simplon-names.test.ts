import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { posix } from 'node:path'
import { test } from 'node:test'
import { hostileNames } from '#lib/simulate/dcu/index.js'
import { placeOf, shownName } from '#lib/source/names.js'
import { targetOf } from '#lib/source/simplon/target.js'

const pathOf = (name: string): string | undefined => {
  const place = placeOf(name)
  return 'path' in place ? place.path : undefined
}
const reasonFor = (name: string): string | undefined => {
  const place = placeOf(name)
  return 'refused' in place ? place.refused : undefined
}

/** Undoes what placeOf does. */
const undone = (path: string): string =>
  path.replace(/%(?:[01][0-9A-F]|7F|25|C2%[89][0-9A-F]|E2%8[01]%[0-9A-F]{2})/g, (form) =>
    Buffer.from(form.replaceAll('%', ''), 'hex').toString('utf8'),
  )

test('ordinary names are taken as they are, directories too', () => {
  for (const name of ['series_1_master.h5', 'lyso/run 7/lyso_1_data_000001.h5', 'é.cbf', '-rf.h5', '100%.h5', 'a..b']) {
    assert.equal(pathOf(name), name)
  }
})

test('names that are no path below the target are refused, and why is said', () => {
  const reasons = {
    '': 'empty',
    '/': 'absolute',
    '/etc/passwd': 'absolute',
    '//host/a': 'absolute',
    '..': 'dots',
    '../a': 'dots',
    'a/../../b': 'dots',
    './a': 'dots',
    'a/.': 'dots',
    'a//b': 'slashes',
    'a/': 'slashes',
    'a\0b': 'nul',
    'half-\ud800': 'not-text',
    '\udc00-half': 'not-text',
    '.susten-0123456789abcdef.tmp': 'reserved',
    'a/.susten-x/b': 'reserved',
    [`${'n'.repeat(256)}`]: 'too-long',
    [`${'é'.repeat(128)}`]: 'too-long',
    [`${'d/'.repeat(2048)}a`]: 'too-long',
    // It is longer once it is safe.
    [`${'\n'.repeat(100)}`]: 'too-long',
  }
  for (const [name, reason] of Object.entries(reasons)) assert.equal(reasonFor(name), reason, JSON.stringify(name))
  for (const name of ['n'.repeat(255), 'é'.repeat(127), `${'d/'.repeat(2047)}a`]) assert.equal(pathOf(name), name)
})

test('what a terminal would obey is written in percent form, and so is what looks like it', () => {
  assert.equal(pathOf('new\nline\r\u001b[2J\u007f'), 'new%0Aline%0D%1B[2J%7F')
  assert.equal(pathOf('csi\u009b override\u202e'), 'csi%C2%9B override%E2%80%AE')
  assert.equal(pathOf('new%0Aline'), 'new%250Aline')
  assert.equal(pathOf('nul%00.h5'), 'nul%2500.h5')
  assert.equal(pathOf('a%25b%C2'), 'a%2525b%25C2')
  assert.equal(pathOf('a%2Fb%2fc%.h5'), 'a%2Fb%2fc%.h5', 'a slash in disguise stays in disguise')
})

test('no two names become the same path', () => {
  const pieces = ['%', '2', '5', '0', 'A', '\n', '%0A', '%25', '%C2', '\u0085', '%E2%80%AE', '\u202e', 'x', 'C', 'é']
  const names = new Set<string>(hostileNames)
  for (const a of pieces)
    for (const b of pieces) for (const c of pieces) for (const d of pieces) names.add(a + b + c + d)
  const paths = new Map<string, string>()
  for (const name of names) {
    const path = pathOf(name)
    if (path === undefined) continue
    assert.equal(paths.get(path) ?? name, name, `${path} is two files`)
    assert.equal(undone(path), name)
    paths.set(path, name)
  }
  assert.ok(paths.size > 10_000)
})

test('a hostile name ends below the target, or nowhere', () => {
  for (const name of hostileNames) {
    const path = pathOf(name)
    if (path === undefined) continue
    assert.ok(posix.join('/target', path).startsWith('/target/'), name)
    assert.equal(posix.normalize(path), path)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    assert.doesNotMatch(path, /[\u0000-\u001f\u007f-\u009f\u202e]/)
  }
})

test('a request has the exact name in it, and nothing else', () => {
  for (const name of hostileNames) {
    if (pathOf(name) === undefined) continue
    const target = targetOf(name)
    assert.match(target, /^\/data\/[\w\-.~!'()*%/]+$/)
    assert.equal(decodeURIComponent(target.slice('/data/'.length)), name)
    assert.equal(new URL(target, 'http://x').pathname, target, 'there is nothing in it to be tidied')
  }
})

test('messages show names safely, however long', () => {
  assert.equal(shownName('a\u001b[2J\ud800'), 'a%1B[2J\ufffd')
  assert.ok(shownName('x'.repeat(1e6)).length < 300)
})
