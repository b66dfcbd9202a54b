/** Tables as people read them. */
import { printable } from '../config/index.js'

/** Numbers stand to the right, the rest to the left. */
export type Cell = string | number

export function table(header: readonly string[], rows: readonly (readonly Cell[])[]): string[] {
  const lines = [header, ...rows].map((row) => row.map((cell) => printable(String(cell))))
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const isNumber = header.map((_, column) => typeof rows[0]?.[column] === 'number')
  return lines.map((line) =>
    line
      .map((text, column) => (isNumber[column] ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}

export const percent = (fraction: number | undefined): string =>
  fraction === undefined ? '-' : `${(fraction * 100).toFixed(1)} %`

/** `1.2 GB`. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  return `${(bytes / 1000 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step]}`
}

/** To the second, in this computer's time zone: `2026-11-21 08:30:00`. */
export function localTime(time: number): string {
  const offset = new Date(time).getTimezoneOffset() * 60_000
  return new Date(time - offset).toISOString().slice(0, 19).replace('T', ' ')
}
