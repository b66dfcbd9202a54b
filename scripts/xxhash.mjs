// Prints the directory that has xxhash.h, for both build files: the one that this package carries, else that of the
// package xxhash-addon, which a checkout has for its tests. `carry` makes the first from the second, when packing.
import { copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const carried = join(dirname(dirname(fileURLToPath(import.meta.url))), 'third_party')

/** Node knows where: npm may have put the package beside this one or into it. */
const installed = () => join(dirname(createRequire(import.meta.url).resolve('xxhash-addon/package.json')), 'xxHash')

if (process.argv[2] === 'carry') {
  mkdirSync(carried, { recursive: true })
  for (const name of ['xxhash.h', 'xxh_x86dispatch.h', 'xxh_x86dispatch.c']) {
    copyFileSync(join(installed(), name), join(carried, name))
  }
} else {
  try {
    console.log(existsSync(join(carried, 'xxhash.h')) ? carried : installed())
  } catch {
    console.error('xxhash.h is missing: it comes with the published package, and in a checkout by npm ci')
    process.exitCode = 1
  }
}
