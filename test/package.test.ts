import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const text = (name: string) => readFileSync(root + name, 'utf8')

interface Manifest {
  readonly version: string
  readonly bin: Readonly<Record<string, string>>
  readonly binary: { readonly napi_versions: readonly number[] }
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
}
const manifest = JSON.parse(text('package.json')) as Manifest

/** The C++ sources that a build file names, in its order. */
const sourcesOf = (name: string) => [...text(name).matchAll(/\bnative\/[\w/-]+\.cc\b/g)].map(([source]) => source)

const definesOf = (name: string) => [
  ...new Set(
    [...text(name).matchAll(/\b(NAPI_VERSION|NODE_ADDON_API|_FILE_OFFSET|_FORTIFY)\w*(=\d+)?/g)].map(([d]) => d),
  ),
]

const warningsOf = (name: string) => [...text(name).matchAll(/-W(all|extra|pedantic|shadow)\b/g)].map(([flag]) => flag)

test('both build files name every C++ source below native/, once', () => {
  const present = readdirSync(`${root}native`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.cc'))
    .map((name) => `native/${name}`)
    .sort()
  assert.ok(present.includes('native/addon.cc'))
  assert.deepEqual(sourcesOf('CMakeLists.txt'), present)
  assert.deepEqual(sourcesOf('binding.gyp'), present)
})

test('both build files define and warn the same', () => {
  assert.deepEqual(definesOf('CMakeLists.txt'), definesOf('binding.gyp'))
  assert.deepEqual(warningsOf('CMakeLists.txt'), warningsOf('binding.gyp'))
  assert.equal(warningsOf('binding.gyp').length, 4)
})

test('the Node-API version is the same in the package and in the build', () => {
  const [version] = manifest.binary.napi_versions
  assert.ok(definesOf('CMakeLists.txt').includes(`NAPI_VERSION=${version}`))
})

test('the package has what it exports and what building needs, and no tests', () => {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
  })
  const [packed] = JSON.parse(output) as { files: { path: string }[] }[]
  const names = packed?.files.map((file) => file.path) ?? []
  const exported = Object.values(manifest.exports).flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target),
  )
  const needed = [
    ...[...exported, ...Object.values(manifest.bin)].map((target) => target.replace('./', '')),
    ...sourcesOf('CMakeLists.txt'),
    'CMakeLists.txt',
    'binding.gyp',
    'native/exports.map',
    'native/sys/sys.h',
    'scripts/install.mjs',
    'scripts/build-native.mjs',
    'scripts/tools.mjs',
    'README.md',
    'LICENSE',
  ]
  assert.deepEqual(
    needed.filter((name) => !names.includes(name)),
    [],
  )
  assert.deepEqual(
    names.filter((name) => /^(test|bench|build|node_modules|\.ci)\//.test(name)),
    [],
  )
})

test('the newest entry of the changelog is this version or what is not released', () => {
  const [, newest] = /^## \[(.+?)\]/m.exec(text('CHANGELOG.md')) ?? []
  assert.ok(newest === 'Unreleased' || newest === manifest.version, `newest entry: ${newest}`)
})
