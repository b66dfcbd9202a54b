import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { prebuildPath } from '#lib/load-addon.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const builds = ['build/cmake/susten.node', 'build/Release/susten.node']
const built = builds.map((name) => root + name).find((path) => existsSync(path)) ?? ''
const prebuild = prebuildPath().slice(root.length)

/** A package as it comes from the registry, without its addon. */
let installed: string

beforeEach(() => {
  installed = `${mkdtempSync(join(tmpdir(), 'susten-package-'))}/`
  for (const name of ['package.json', 'binding.gyp', 'CMakeLists.txt', 'dist/load-addon.js', 'scripts', 'native']) {
    cpSync(root + name, installed + name, { recursive: true })
  }
  symlinkSync(`${root}node_modules`, `${installed}node_modules`)
})

afterEach(() => rmSync(installed, { recursive: true, force: true }))

const place = (name: string, content: 'built' | 'broken') => {
  mkdirSync(dirname(installed + name), { recursive: true })
  if (content === 'built') cpSync(built, installed + name)
  else writeFileSync(installed + name, 'not an ELF file')
}

/** Runs Node in the package on a machine that has nothing but tools of these names, which do nothing. */
const run = (args: string[], { env = {}, tools = [] as string[] } = {}) => {
  const path = join(installed, 'path')
  mkdirSync(path)
  for (const tool of tools) writeFileSync(join(path, tool), '#!/bin/sh\n', { mode: 0o755 })
  const { PATH: _, CXX: __, SUSTEN_ADDON: ___, npm_config_build_from_source: ____, ...rest } = process.env
  const child = spawnSync(process.execPath, args, {
    cwd: installed,
    encoding: 'utf8',
    env: { ...rest, PATH: path, ...env },
  })
  rmSync(path, { recursive: true })
  return child
}

const install = (env = {}, tools: string[] = []) => run(['scripts/install.mjs'], { env, tools })

const load = (env = {}) => {
  const code = `
    import { loadAddon } from './dist/load-addon.js'
    try { console.log(typeof loadAddon()['openEngine']) } catch (error) { console.log(error.code, error.message) }`
  return run(['--input-type=module', '--eval', code], { env }).stdout
}

test('installing takes the shipped addon and builds nothing', () => {
  place(prebuild, 'built')
  const { status, stdout, stderr } = install()
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' })
  assert.equal(existsSync(`${installed}build`), false)
  assert.equal(load(), 'function\n')
})

test('installing with neither a shipped addon nor tools says once which tools are missing, and what to type', () => {
  const { status, stderr } = install()
  assert.equal(status, 1)
  assert.match(stderr, /^susten: .* missing: make, g\+\+, python3 \(or cmake\)\.\n/)
  assert.match(stderr, /apt-get install make g\+\+ python3\n/)
  // npm removes what it has installed when installing fails: building on the spot is not possible then.
  assert.match(stderr, /then: +npm install, again\n$/)
  assert.equal(stderr.match(/missing/g)?.length, 1)
})

test('building without the tools names the command that builds again', () => {
  const { status, stderr } = run(['scripts/build-native.mjs'])
  assert.equal(status, 1)
  assert.match(stderr, new RegExp(`then: +npm --prefix ${installed.slice(0, -1)} run build:native\n$`))
})

test('building takes the xxhash.h that the package carries, and in a checkout that of a package', () => {
  const where = () => run(['scripts/xxhash.mjs'])
  assert.match(where().stdout, /node_modules\/xxhash-addon\/xxHash\n$/)
  assert.equal(run(['scripts/xxhash.mjs', 'carry']).status, 0)
  rmSync(`${installed}node_modules`)
  assert.equal(where().stdout, `${installed}third_party\n`)
  assert.match(readFileSync(`${installed}third_party/xxhash.h`, 'utf8'), /BSD 2-Clause License[\s\S]*XXH3_128bits/)
  const compile = ['-std=c++20', '-fsyntax-only', '-I', `${installed}third_party`, '-I', `${root}native`]
  execFileSync('g++', [...compile, `${installed}native/digest/digest.cc`])
  rmSync(`${installed}third_party`, { recursive: true })
  const { status, stderr } = where()
  assert.deepEqual(
    [status, stderr],
    [1, 'xxhash.h is missing: it comes with the published package, and in a checkout by npm ci\n'],
  )
})

test('installing names only the tools that are missing', () => {
  assert.match(install({}, ['make', 'python3']).stderr, / missing: g\+\+\.\n/)
  assert.match(install({}, ['make', 'cmake']).stderr, / missing: g\+\+\.\n/)
  assert.match(install({}, ['make', 'g++']).stderr, / missing: python3 \(or cmake\)\.\n/)
})

test('installing builds where the shipped addon does not load, or where that is asked for', () => {
  place(prebuild, 'broken')
  assert.match(install().stderr, / missing: make/)
  place(prebuild, 'built')
  assert.match(install({ npm_config_build_from_source: 'true' }).stderr, / missing: make/)
})

test('loading prefers what was built here to what was shipped', () => {
  place(prebuild, 'broken')
  place('build/Release/susten.node', 'built')
  assert.equal(load(), 'function\n')
})

test('loading takes the addon that SUSTEN_ADDON names, and no other', () => {
  place(prebuild, 'built')
  assert.equal(load({ SUSTEN_ADDON: built }), 'function\n')
  assert.match(load({ SUSTEN_ADDON: '/nowhere/susten.node' }), /^MODULE_NOT_FOUND .*\/nowhere\/susten\.node/)
})

test('loading reports an addon that cannot be loaded, and does not look further', () => {
  place('build/cmake/susten.node', 'broken')
  place(prebuild, 'built')
  assert.match(load(), /^ERR_DLOPEN_FAILED .*build\/cmake\/susten\.node/)
})

test('loading without any addon names the places and the command that builds one', () => {
  const message = load()
  assert.match(message, /^ERR_SUSTEN_NOT_BUILT /)
  for (const name of [...builds, prebuild]) assert.ok(message.includes(installed + name), name)
  assert.ok(message.includes(`npm --prefix '${installed}' run build:native`))
})

test('the addon shows Node its two entry points and nothing else', (t) => {
  if (process.env['SUSTEN_SANITIZER'] !== undefined) return t.skip('a build with a sanitizer shows its symbols')
  const { status, stdout, error } = spawnSync('nm', ['--dynamic', '--defined-only', '--format=just-symbols', built])
  if (error !== undefined) return t.skip('needs nm, from binutils')
  assert.equal(status, 0)
  assert.deepEqual(String(stdout).trim().split('\n'), ['napi_register_module_v1', 'node_api_module_get_api_version_v1'])
})
