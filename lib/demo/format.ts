/** Numbers, bars and tables as people read them. */

/** A count with thin groups: `1,234`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** Bytes in the unit that fits, three digits: `999 B`, `1.05 MB`, `23.4 GB`. Decimal units, as storages are sold. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? Math.round(value) : threeDigits(value)} ${units[unit]}`
}

/** Milliseconds or seconds: `0.42 ms`, `12.3 ms`, `1.20 s`; a dash for what isn't known. */
export function duration(milliseconds: number | undefined): string {
  if (milliseconds === undefined || !Number.isFinite(milliseconds)) return '-'
  return milliseconds >= 999.5 ? `${threeDigits(milliseconds / 1000)} s` : `${threeDigits(milliseconds)} ms`
}

/** `0.52`, `5.20`, `52.0`, `520`. */
function threeDigits(value: number): string {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)
}

/** `5 %`; small fills aren't rounded to nothing. */
export function percent(fraction: number): string {
  const value = fraction * 100
  return `${value > 0 && value < 0.95 ? '<1' : Math.round(value)} %`
}

/** A bar of `width` characters, `fraction` of it full. Eighths of a character where Unicode may be used. */
export function bar(fraction: number, width: number, unicode: boolean): string {
  const full = Math.max(0, Math.min(1, fraction)) * width
  if (!unicode) return '#'.repeat(Math.round(full)).padEnd(width, '.')
  const whole = Math.floor(full)
  const part = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][Math.floor((full - whole) * 8)] ?? ''
  return ('█'.repeat(whole) + part).padEnd(width, '░')
}

/** Lines of a table: the first column to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length)
  }
  return rows.map((row) =>
    row
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)))
      .join('   ')
      .trimEnd(),
  )
}

/** Text for a terminal: control characters of file names must not reach it. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\u{fffd}')
}
