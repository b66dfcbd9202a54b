/** What an rsync daemon is told to remove. Pure. */
import { posix } from 'node:path'
import type { ByteString } from '../../bytes.js'

/**
 * Filter rules, each ended by a NUL, by which `--delete` removes these files and nothing else: a directory that has such a
 * name by now stays, and so does every other name.
 */
export function removalRules(names: readonly ByteString[]): ByteString {
  const rules = new Set<string>()
  for (const name of names) {
    for (const directory of directoriesOf(name)) rules.add(`+ /${pattern(directory)}/\0`)
  }
  for (const name of names) rules.add(`- /${pattern(name)}/\0+ /${pattern(name)}\0`)
  return `${[...rules].join('')}- *\0` as ByteString
}

/** The directories above a name, the outermost first. */
export function directoriesOf(name: ByteString): ByteString[] {
  const directories: ByteString[] = []
  for (let above = posix.dirname(name); above !== '.'; above = posix.dirname(above)) {
    directories.unshift(above as ByteString)
  }
  return directories
}

/** In a pattern without wildcards a backslash is a backslash; in one with them it takes the meaning from what follows. */
const pattern = (name: ByteString): string => (/[*?[]/.test(name) ? name.replace(/[*?[\\]/g, '\\$&') : name)
