import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const text = (name: string) => readFileSync(root + name, 'utf8')

interface Manifest {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly bin: Readonly<Record<string, string>>
  readonly binary: { readonly napi_versions: readonly number[] }
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
}
const manifest = JSON.parse(text('package.json')) as Manifest

/** Files of the package that a document links to. */
const linksOf = (name: string) => [...text(name).matchAll(/\]\((?!\w+:)([^)#]+)/g)].map(([, target]) => target ?? '')

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

/** A checkout of its own, so that packing neither disturbs nor ships what was built in this one. */
function checkout(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'susten-package-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const others = ['.git', 'node_modules', 'build', 'dist', 'prebuilds', 'third_party']
  for (const name of readdirSync(root)) {
    if (!others.includes(name)) cpSync(root + name, join(folder, name), { recursive: true })
  }
  symlinkSync(`${root}node_modules`, join(folder, 'node_modules'))
  return folder
}

test('the package has what it exports, what building needs and the documents, and no tests', (t) => {
  const folder = checkout(t)
  execFileSync('npm', ['pack', '--silent'], { cwd: folder })
  const tarball = join(folder, `susten-${manifest.version}.tgz`)
  const list = execFileSync('tar', ['--list', '--file', tarball], { encoding: 'utf8' })
  const names = list
    .trim()
    .split('\n')
    .map((name) => name.replace(/^package\//, ''))
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
    'scripts/xxhash.mjs',
    'third_party/xxhash.h',
    'third_party/xxh_x86dispatch.c',
    'third_party/xxh_x86dispatch.h',
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    ...linksOf('README.md'),
    ...readdirSync(`${root}docs`).map((name) => `docs/${name}`),
  ]
  assert.deepEqual(
    needed.filter((name) => !names.includes(name)),
    [],
  )
  assert.deepEqual(
    names.filter((name) => /^(test|bench|build|node_modules|\.ci|dist\/demo)\/|\.js\.map$/.test(name)),
    [],
  )
  const packages = new Set<string>()
  for (const name of names.filter((name) => /^dist\/.*\.js$/.test(name))) {
    const code = readFileSync(join(folder, name), 'utf8')
    assert.doesNotMatch(code, /sourceMappingURL/, name)
    for (const [, from] of code.matchAll(/(?:from|import) '([^.#'][^']*)'/g)) {
      if (from !== undefined && !from.startsWith('node:')) packages.add(from)
    }
  }
  assert.ok(packages.has('p-queue'))
  assert.deepEqual(
    [...packages].filter((name) => manifest.dependencies[name] === undefined),
    [],
    'all that is imported is a dependency',
  )
})

test('the newest entry of the changelog is this version or what is not released', () => {
  const [, newest] = /^## \[(.+?)\]/m.exec(text('CHANGELOG.md')) ?? []
  assert.ok(newest === 'Unreleased' || newest === manifest.version, `newest entry: ${newest}`)
})
