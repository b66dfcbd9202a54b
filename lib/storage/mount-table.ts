/** Which file systems are mounted where, as the kernel lists them for this process. */
import { readFileSync } from 'node:fs'
import type { ByteString } from '../bytes.js'

/** How many file systems are mounted at a place, one over the other; 0 where the kernel doesn't say. */
export function mountsAt(place: ByteString): number {
  let table: string
  try {
    // No disk is waited for: the kernel has it in memory.
    table = readFileSync('/proc/self/mountinfo', 'latin1')
  } catch {
    return 0
  }
  return table.split('\n').filter((line) => unescaped(line.split(' ')[4] ?? '') === place).length
}

/** Blank, tab, line feed and backslash are written as a backslash and three octal digits. */
const unescaped = (field: string): string =>
  field.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
