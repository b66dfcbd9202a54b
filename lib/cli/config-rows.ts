/** What a configuration amounts to, as `check-config` prints it. */
import { printable } from '../config/index.js'

/** A word, and what is to be said about it. */
export type Row = readonly [name: string, what: string]

export const summary = (rows: readonly Row[]): string[] =>
  rows.map(([name, what]) => `  ${name.padEnd(8)}  ${printable(what)}`)

/** In the largest unit that leaves a whole number. */
export function bytes(count: number): string {
  const [size, unit] = (
    [
      [2 ** 30, 'GiB'],
      [2 ** 20, 'MiB'],
      [2 ** 10, 'KiB'],
    ] as const
  ).find(([size]) => count % size === 0) ?? [1, 'bytes']
  return `${count / size} ${unit}`
}
