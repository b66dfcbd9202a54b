import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isIPv6 } from 'node:net'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { SustenError } from 'susten'
import { parseConfig } from '#lib/furka/config/index.js'
import { epuDefaults, epuSpelling } from '#lib/furka/config/keys.js'
import { leastJson, parse } from './support/furka-config.js'

interface Schema {
  readonly properties: Readonly<Record<string, { readonly default?: unknown }>>
}

// As an editor or another program finds it.
const file = createRequire(import.meta.url).resolve('susten/schema/furka.schema.json')
const schema = JSON.parse(readFileSync(file, 'utf8')) as Schema
// Unknown keywords and formats are mistakes of the schema.
const isValid = new Ajv2020({ strictSchema: true, strictTypes: false, formats: { ipv6: isIPv6 } }).compile(schema)

/** What the parser says against a document; undefined if it takes it. */
function objection(document: unknown): string | undefined {
  try {
    parseConfig(Buffer.from(JSON.stringify(document)), 'furka.json')
    return undefined
  } catch (error) {
    assert.ok(error instanceof SustenError, String(error))
    return error.message
  }
}

/** Both take a document or both refuse it; whether they took it. */
function agreement(document: unknown): boolean {
  const said = objection(document)
  assert.equal(isValid(document), said === undefined, `${JSON.stringify(document).slice(0, 500)}: ${said}`)
  return said === undefined
}

/** What may stand where: each is tried with each key. */
const values: readonly unknown[] = [
  ...[null, true, false, {}, [], [''], -1, 0, 0.5, 1, 9, 10, 16, 17, 50, 100, 999, 1000, 1001, 4095, 4096, 10_000],
  ...[10_001, 600_000, 600_001, 3_600_000, 3_600_001, 4_294_967_294, 4_294_967_295, 2 ** 50, 2 ** 50 + 1, 1e300],
  ...[
    '',
    ' ',
    '10 M',
    '10M',
    '0k',
    'M',
    'YES',
    'NO',
    'yes',
    'true',
    'AUTO',
    'auto',
    '1.8.0',
    '1.8',
    '1.8.0.1',
    'v1.8.0',
  ],
  ...'.susten-a a/.susten- ./.susten-$UID .susten a.susten-b/c'.split(' '),
  ...'CONTROL PIPE NONE control BUFFER INTERNAL EXTERNAL buffer 5 $UID $GID $UID_$GID a/$UID/b $USER $uid $ a$'.split(
    ' ',
  ),
  ...'10.42.41.10 10.42.41.10:80 10.42.41.256 10.42.41 10.0.0.1:0 10.0.0.1:080 10.0.0.1:65535 10.0.0.1:65536'.split(
    ' ',
  ),
  ...'localhost localhost:80 dcu-1.p11 dcu-1.p11:8080 a.1 1.a 1a 1 a..b .a a. -a a- a: :80 a:b a_b a/b a@b é'.split(
    ' ',
  ),
  ...'::1 [::1] [::1]:80 [::1]:0 [::1 ::1:80 fe80::1%eth0 [fe80::1%eth0]:80 [] []:80 http://a https://a:1'.split(' '),
  ...['x'.repeat(63), 'x'.repeat(64), `${'x.'.repeat(126)}x`, `${'x.'.repeat(127)}x`, `${'x.'.repeat(126)}x:80`],
  ...['/x', '/x/', '//x', '/x y', '/x/./y', '/x/../y', '/..', '/x/..', '/..x', '/x..', '/x/...', 'x', './x', '~/x'],
  ...['..', '../x', 'x/..', 'x/../y', '..x', 'x..', 'x/...', 'x/./y', 'x//y/', '.', 'ü', 'x\u0000', 'x\n', 'x\u0085'],
  ...['/x\u0000', '/x\n', '/x\u0085', '/ü', `/${'x'.repeat(106)}`, `/${'x'.repeat(107)}`, `/${'x'.repeat(4094)}`],
  ...[`/${'x'.repeat(4095)}`, `${'x/'.repeat(512)}`, `${'x/'.repeat(512)}x`, '\u{1f4be}'.repeat(60)],
]

/** What keeps a value from being refused for another key's sake, which the schema can't see. */
const company: Readonly<Record<string, object>> = {
  POLL_ARRIVING: { POLL_ACQUIRING: 10_000, POLL_IDLE: 600_000 },
  POLL_ACQUIRING: { POLL_ARRIVING: 10, POLL_IDLE: 600_000 },
  POLL_IDLE: { POLL_ARRIVING: 10, POLL_ACQUIRING: 10 },
}

for (const key of Object.values(epuSpelling)) {
  test(`parser and schema agree on every value of ${key}`, () => {
    const documents = values.map((value) => ({
      ...leastJson(),
      ...(key === 'REQUIRED_MOUNT' && typeof value === 'string' ? { TARGET_DIR: value } : company[key]),
      [key]: value,
    }))
    const taken = documents.filter(agreement).length
    assert.ok(taken > 0 && taken < documents.length, `${taken} of ${documents.length} were taken`)
  })
}

for (const [what, document] of Object.entries({
  'a list': [],
  nothing: {},
  'an unknown key': { ...leastJson(), colour: 'blue' },
  'a schema that is no string': { ...leastJson(), $schema: 5 },
  'a tier that a pipe tells nothing of': { ...leastJson(), GRIMSEL: 'PIPE', CONFIRM: 'INTERNAL' },
  'a tier of no Grimsel': { ...leastJson(), GRIMSEL: 'NONE', CONFIRM: 'EXTERNAL' },
})) {
  test(`parser and schema refuse ${what}`, () => {
    assert.equal(agreement(document), false)
  })
}

for (const [what, document] of Object.entries({
  'the least': leastJson(),
  'the schema named': { ...leastJson(), $schema: './furka.schema.json' },
  'the buffer as tier beside a pipe': { ...leastJson(), GRIMSEL: 'PIPE', CONFIRM: 'BUFFER' },
  'a tier beside a control socket': { ...leastJson(), GRIMSEL: 'CONTROL', CONFIRM: 'EXTERNAL' },
})) {
  test(`parser and schema take ${what}`, () => {
    assert.equal(agreement(document), true)
  })
}

test('the schema has the keys of the parser', () => {
  assert.deepEqual(Object.keys(schema.properties).sort(), ['$schema', ...Object.values(epuSpelling)].sort())
})

test('the defaults of the schema are those of the parser', () => {
  const told = Object.entries(schema.properties).flatMap(([key, property]) =>
    property.default === undefined ? [] : [[key, property.default] as const],
  )
  const known = Object.keys(epuDefaults).map((name) => epuSpelling[name as keyof typeof epuDefaults])
  assert.deepEqual(told.map(([key]) => key).sort(), ['API_VERSION', ...known].sort())
  // The pipe isn't used: its default shows with it.
  for (const GRIMSEL of ['CONTROL', 'PIPE']) {
    const document = { ...leastJson(), ...Object.fromEntries(told), GRIMSEL }
    assert.deepEqual(parse(JSON.stringify(document)), parse(JSON.stringify({ ...leastJson(), GRIMSEL })))
  }
})

test('what only the parser can see, it sees', () => {
  for (const more of [
    { TARGET_DIR: '/' },
    { REQUIRED_MOUNT: '/elsewhere' },
    { JOURNAL_DIR: '/mnt/data_buffer/j' },
    { CONTROL_SOCKET: '/s', GRIMSEL_SOCKET: '/s' },
    { POLL_ARRIVING: 500 },
    { EIGER_HOST: '[::1::2]' },
    { USER_DIR: 'ü'.repeat(128) },
    { USER_DIR: `${'x'.repeat(250)}$UID` },
    { USER_DIR: '\ud800' },
    { LOG_FILE: `/${'ü'.repeat(2048)}` },
  ]) {
    const document = { ...leastJson(), ...more }
    assert.equal(isValid(document), true, JSON.stringify(document))
    assert.equal(typeof objection(document), 'string', JSON.stringify(document))
  }
})
