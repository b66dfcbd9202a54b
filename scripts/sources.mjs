// Writes the list of C++ sources, as found below native/, into CMakeLists.txt and binding.gyp. `--check` only compares.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const sources = readdirSync(join(root, 'native'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.cc'))
  .map((name) => `native/${name}`)
  .sort()

/** @type {{ file: string, pattern: RegExp, line: (name: string) => string }[]} */
const lists = [
  { file: 'CMakeLists.txt', pattern: /(set\(SUSTEN_SOURCES\n)[^)]*(\))/, line: (name) => `  ${name}\n` },
  { file: 'binding.gyp', pattern: /('sources': \[\n)[^\]]*( {4}\])/, line: (name) => `      '${name}',\n` },
]

for (const { file, pattern, line } of lists) {
  const path = join(root, file)
  const before = readFileSync(path, 'utf8')
  if (!pattern.test(before)) throw new Error(`${file}: no list of sources found`)
  const after = before.replace(pattern, (_, head, tail) => head + sources.map(line).join('') + tail)
  if (after === before) continue
  if (process.argv.includes('--check')) {
    console.error(`${file}: its sources are not those below native/. Run: npm run sources`)
    process.exitCode = 1
  } else {
    writeFileSync(path, after)
    console.log(`${file}: sources written`)
  }
}
