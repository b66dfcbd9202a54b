import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isIPv4, isIPv6 } from 'node:net'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { SustenError } from 'susten'
import { parseConfig } from '#lib/grimsel/config/index.js'
import { defaults, globalKeys, storageKeys } from '#lib/grimsel/config/keys.js'
import { leastJson, parse } from './support/grimsel-config.js'

interface Property {
  readonly default?: unknown
}
interface Schema {
  readonly properties: Readonly<Record<string, Property>>
  readonly $defs: { readonly storage: { readonly properties: Readonly<Record<string, Property>> } }
}

// As an editor or another program finds it.
const file = createRequire(import.meta.url).resolve('susten/schema/grimsel.schema.json')
const schema = JSON.parse(readFileSync(file, 'utf8')) as Schema
// Unknown keywords and formats are mistakes of the schema.
const ajv = new Ajv2020({ strictSchema: true, strictTypes: false, formats: { ipv4: isIPv4, ipv6: isIPv6 } })
const isValid = ajv.compile(schema)

/** What the parser says against a document; undefined if it takes it. */
function objection(document: unknown): string | undefined {
  try {
    parseConfig(Buffer.from(JSON.stringify(document)), 'grimsel.json')
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

/** They agree on all of the documents, some of which are good and some are bad. */
function assertAgreement(documents: readonly unknown[]): void {
  const taken = documents.filter(agreement).length
  assert.ok(taken > 0 && taken < documents.length, `${taken} of ${documents.length} were taken`)
}

const [disk] = leastJson()['storages'] as Record<string, unknown>[]
const withStorages = (...storages: unknown[]): Record<string, unknown> => ({ ...leastJson(), storages })
const gpfs = { storageID: 'gpfs', type: 'EXTERNAL', target: '/gpfs' }
const usb = { storageID: 'usb', type: 'OPTIONAL', target: '/usb' }

const good: Record<string, unknown> = {
  'the least': leastJson(),
  'the schema named': { ...leastJson(), $schema: './grimsel.schema.json' },
  'an external storage': withStorages(disk, gpfs),
  'optional storages': withStorages(usb, { ...usb, storageID: 'usb2', target: '/usb2' }, disk),
  'the target of the internal storage above': {
    target: '/data',
    storages: [{ storageID: 'disk', type: 'INTERNAL' }, gpfs],
  },
  'the older owner key': { ...leastJson(), preserve_uid_gid: 'NO' },
}

const bad: Record<string, unknown> = {
  'a list': [],
  'a string': 'x',
  nothing: {},
  'storages as an object': { storages: { disk } },
  'no storage': { storages: [] },
  'no internal storage': withStorages(gpfs),
  'two internal storages': withStorages(disk, { ...usb, type: 'INTERNAL' }),
  'two external storages': withStorages(disk, gpfs, { ...usb, type: 'EXTERNAL' }),
  'a storage that is a list': withStorages(disk, []),
  'a storage without id': withStorages({ type: 'INTERNAL', target: '/data' }),
  'a storage without type': withStorages({ storageID: 'a', target: '/data' }),
  'a storage without type beside another': withStorages(disk, { storageID: 'a', target: '/a' }),
  'a storage without target': withStorages({ storageID: 'a', type: 'INTERNAL' }),
  'an external storage without target': {
    target: '/data',
    storages: [disk, { storageID: 'a', type: 'EXTERNAL' }],
  },
  'an unknown key': { ...leastJson(), colour: 'blue' },
  'an unknown key of a storage': withStorages({ ...disk, colour: 'blue' }),
  'a key of a storage above': { ...leastJson(), type: 'INTERNAL' },
  'a key of the whole file in a storage': withStorages({ ...disk, create_links: true }),
  'the older owner key beside a newer one': { ...leastJson(), preserve_uid_gid: 'NO', preserve_gid: 'NO' },
}

for (const [what, document] of Object.entries(good)) {
  test(`parser and schema take ${what}`, () => {
    assert.deepEqual([objection(document), isValid(document)], [undefined, true])
  })
}

for (const [what, document] of Object.entries(bad)) {
  test(`parser and schema refuse ${what}`, () => {
    assert.equal(typeof objection(document), 'string')
    assert.equal(isValid(document), false)
  })
}

/** What may stand where: each is tried with each key. */
const values: readonly unknown[] = [
  ...[null, true, false, {}, [], [''], ['::1'], ['::1', '::1'], ['127.0.0.1', '::1'], [1]],
  ...Array.from({ length: 2 }, (_, i) => Array.from({ length: 16 + i }, (__, n) => `10.0.0.${n}`)),
  ...[-1, 0, 0.005, 0.01, 0.5, 0.999, 1, 1.5, 2, 8.5, 80, 99.9, 100, 101, 256, 257, 1000, 1001, 4095, 4096],
  ...[65_535, 65_536, 100_000, 100_001, 2 ** 50, 2 ** 50 + 1, 1e300],
  ...['', ' ', '80 %', '10 M'],
  ...'YES NO yes Yes true 1 80 80% 80.5% 0.8 0.5% 1% 100% 080%'.split(' '),
  ...'10M 10MB 4096 1k 0k -4k 1.5M 1000000G M INTERNAL EXTERNAL OPTIONAL internal TAPE'.split(' '),
  ...'INLINE READBACK NONE BATCH EACH inline SYNC ::1 127.0.0.1 127.1 localhost fe80::1%a'.split(' '),
  ...['/x', '/x/', '//x', '/x y', '/x/./y', '/x/../y', '/..', '/x/..', '/..x', '/x..', '/x/...', 'x', './x', '~/x'],
  ...['/x\u0000', '/x\n', '/x\u0085', '/ü', `/${'x'.repeat(106)}`, `/${'x'.repeat(107)}`],
  ...[`/${'x'.repeat(4094)}`, `/${'x'.repeat(4095)}`, 'x'.repeat(64), 'x'.repeat(65), '\u{1f4be}'.repeat(64)],
  ...['a\tb', 'a\u00a0b'],
]

/** What keeps a value from being refused for another key's sake, which the schema can't see. */
const company: Readonly<Record<string, (value: unknown) => object>> = {
  buffer_directory: (value) => (typeof value === 'string' && parsesAsPath(value) ? { ramdisk_mountpoint: value } : {}),
  fillstate_low_water: () => ({ fillstate_limit: '99.99%' }),
}
const parsesAsPath = (path: string): boolean => objection({ ...leastJson(), logfile: path }) === undefined

for (const key of Object.keys(globalKeys)) {
  test(`parser and schema agree on every value of ${key}`, () => {
    assertAgreement(values.map((value) => ({ ...leastJson(), ...company[key]?.(value), [key]: value })))
  })
}

for (const key of Object.keys(storageKeys)) {
  test(`parser and schema agree on every value of a storage's ${key}`, () => {
    assertAgreement(values.map((value) => withStorages({ ...disk, [key]: value })))
    assertAgreement(values.map((value) => withStorages(disk, { ...usb, [key]: value })))
  })
}

test('the schema has the keys of the parser', () => {
  const { properties, $defs } = schema
  assert.deepEqual(Object.keys(properties).sort(), ['$schema', 'storages', ...Object.keys(globalKeys)].sort())
  assert.deepEqual(Object.keys($defs.storage.properties).sort(), Object.keys(storageKeys).sort())
})

test('the defaults of the schema are those of the parser', () => {
  const told = Object.entries(schema.properties).flatMap(([key, property]) =>
    property.default === undefined ? [] : [[key, property.default] as const],
  )
  assert.deepEqual(told.map(([key]) => key).sort(), Object.keys(defaults).sort())
  assert.deepEqual(
    parse(JSON.stringify({ ...leastJson(), ...Object.fromEntries(told) })),
    parse(JSON.stringify(leastJson())),
  )
})

test('what only the parser can see, it sees', () => {
  for (const document of [
    withStorages(disk, { ...usb, storageID: 'disk' }),
    withStorages(disk, { ...usb, target: '/data/usb' }),
    { ...leastJson(), ramdisk_mountpoint: '/data' },
    { ...leastJson(), buffer_directory: '/elsewhere' },
    { ...leastJson(), journal_directory: '/data/journal' },
    { ...leastJson(), file_pipe: '/p', control_socket: '/p' },
    { ...leastJson(), status_port: 5, message_port: 5 },
    { ...leastJson(), fillstate_limit: 50, fillstate_low_water: 60 },
    { ...leastJson(), logfile: '/\ud800' },
    { ...leastJson(), logfile: `/${'ü'.repeat(2048)}` },
  ]) {
    assert.equal(isValid(document), true, JSON.stringify(document))
    assert.equal(typeof objection(document), 'string', JSON.stringify(document))
  }
})
