// Makes the addon that the published package carries for this platform: prebuilds/<platform>-<arch>-<libc>/susten.node.
// Needs `npm run compile` before it. It loads on systems whose C library is at least as new as what is printed: run it
// on the oldest system that is to be served.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadPrebuild, prebuildPath } from '../dist/load-addon.js'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const built = [join(root, 'build/cmake/susten.node'), join(root, 'build/Release/susten.node')]

/** The newer of what the two build tools left. */
const [newest] = built
  .flatMap((path) => {
    const stat = statSync(path, { throwIfNoEntry: false })
    return stat === undefined ? [] : [{ path, time: stat.mtimeMs }]
  })
  .sort((a, b) => b.time - a.time)
if (newest === undefined) throw new Error('No addon to take. Run: npm run compile')

const target = prebuildPath()
mkdirSync(dirname(target), { recursive: true })
copyFileSync(newest.path, target)
execFileSync('strip', ['--strip-all', target])
loadPrebuild()

/** @type {(name: string) => string | undefined} The newest version of a library's symbols that the addon asks for. */
const needs = (name) =>
  [...execFileSync('objdump', ['-T', target], { encoding: 'utf8' }).matchAll(/\b([A-Z]+)_([0-9.]+)\)/g)]
    .filter((match) => match[1] === name)
    .map((match) => match[2] ?? '')
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1)

console.log(`${relative(root, target)}: ${statSync(target).size} bytes, from ${relative(root, newest.path)}`)
console.log(`needs glibc ${needs('GLIBC') ?? '(none)'}, libgcc ${needs('GCC') ?? '(none)'}, Node-API 8`)
const cxx = needs('GLIBCXX') ?? needs('CXXABI')
if (cxx !== undefined) throw new Error(`The C++ runtime should be inside, but version ${cxx} of it is asked for`)
console.log(`in the package: ${readdirSync(join(root, 'prebuilds')).join(', ')}`)
