/**
 * What answers of the API mean. Pure; nothing of what a server says is believed to have the right form.
 *
 * Sources: SIMPLON API references 1.6.0 and 1.8.0 (areaDetector/ADEiger, docs/ADEiger); hidra-org/hidra
 * `http_events.py` (the list of 1.8.0 is an object, with `null` for no files); ADEiger's RELEASE.md, R3-2
 * (`buffer_free` in kilobytes until 1.6.0, in bytes since 1.8.0).
 */
import type { Buffer } from 'node:buffer'
import { inSlices } from '../../slices.js'

/** Commas that any list may have. */
const MOST_COMMAS = 500_000
/** Bytes that are looked at, at the least, before others may run. */
const STEP = 4096
const [COMMA, BRACKET, BRACE] = [0x2c, 0x5b, 0x7b]

/** What a list of files says. */
export type Listing =
  /** In the list's order; a name may come twice. `strange`: entries that are no text, which can't be asked for. */
  { readonly names: readonly string[]; readonly strange: number } | { readonly wrong: string }

/**
 * Reads a list: bare, or `{"value": …}`; no files can be `null`. In slices, but for the parsing itself.
 * @param most Names there may be; a list of far more brackets or commas than that is no list of names, and isn't parsed
 *   at all. More names than that are read, as far as they can be read in some milliseconds.
 */
export async function readList(body: Buffer, most: number): Promise<Listing> {
  const { brackets, commas } = await marks(body)
  if (brackets > most || commas > Math.max(5 * most, MOST_COMMAS)) return { wrong: 'it is nested, or too long' }
  const json = parsed(body.toString('utf8'))
  const list = isObject(json) && 'value' in json ? json['value'] : json
  if (list === null) return { names: [], strange: 0 }
  if (!Array.isArray(list)) return { wrong: 'it is no JSON list of names' }
  const names: string[] = []
  let strange = 0
  await inSlices(list as readonly unknown[], (name) => {
    if (typeof name === 'string') names.push(name)
    else strange++
  })
  return { names, strange }
}

/** `value` of an answer, if it is a short text. */
export function readText(text: string): string | undefined {
  const value = valueIn(text)
  return typeof value === 'string' && value.length <= 100 ? value : undefined
}

/** A version, as it stands in paths. */
export const isVersion = (text: string): boolean => /^\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(text)

/** Units as servers spell them, in lower case. A kilobyte is taken for 1024 bytes, as the file writer counts. */
const units = new Map<string, number>([
  ...['b', 'byte', 'bytes'].map((unit) => [unit, 1] as const),
  ...['k', 'kb', 'kib', 'kbyte', 'kbytes', 'kilobyte', 'kilobytes'].map((unit) => [unit, 1024] as const),
  ...['m', 'mb', 'mib', 'mbyte', 'mbytes', 'megabyte', 'megabytes'].map((unit) => [unit, 1024 ** 2] as const),
  ...['g', 'gb', 'gib', 'gbyte', 'gbytes', 'gigabyte', 'gigabytes'].map((unit) => [unit, 1024 ** 3] as const),
])

/**
 * `buffer_free` in bytes. The unit that comes with it counts; without one it is the version's. A unit that isn't known:
 * undefined, since a thousandfold mistake is worse than nothing.
 */
export function readFree(text: string, version: string): number | undefined {
  const json = parsed(text)
  const value = isObject(json) ? json['value'] : json
  const number = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number) || number < 0) return undefined
  const unit = isObject(json) ? json['unit'] : undefined
  if (unit === undefined || unit === null || unit === '') return Math.floor(number * unitOf(version))
  const factor = typeof unit === 'string' ? units.get(unit.trim().toLowerCase()) : undefined
  return factor === undefined ? undefined : Math.floor(number * factor)
}

/** Bytes in the unit that a version means. */
function unitOf(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 1 || (major === 1 && minor >= 8) ? 1 : 1024
}

function valueIn(text: string): unknown {
  const json = parsed(text)
  return isObject(json) ? json['value'] : json
}

/** Opening brackets and commas, in texts too. Nested lists, and those of numbers, take far more memory than text. */
async function marks(body: Buffer): Promise<{ brackets: number; commas: number }> {
  let brackets = 0
  let commas = 0
  await inSlices(startsOf(body), (start) => {
    const end = Math.min(start + STEP, body.length)
    for (let at = start; at < end; at++) {
      const byte = body[at]
      if (byte === COMMA) commas++
      else if (byte === BRACKET || byte === BRACE) brackets++
    }
  })
  return { brackets, commas }
}

function* startsOf(body: Buffer): Generator<number, void, undefined> {
  for (let start = 0; start < body.length; start += STEP) yield start
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
