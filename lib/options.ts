/** Checks of options objects. All refuse with `ERR_SUSTEN_OPTION`, naming the option and what it may be. */
import { inspect } from 'node:util'
import { SustenError } from './errors.js'

/** An error that says what is wrong with an option, and how to put it right. */
export function optionError(message: string): SustenError {
  return new SustenError(message, { code: 'ERR_SUSTEN_OPTION' })
}

/**
 * Refuses what isn't an options object, and names that it can't have, a misspelt one above all.
 * @param where The function or object that takes the options, for the message.
 */
export function checkNames(where: string, options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw optionError(`${where}: options must be an object, not ${inspect(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    const near = nearest(name, names)
    const hint = near === undefined ? `known are ${names.join(', ')}` : `did you mean '${near}'?`
    throw optionError(`${where}: unknown option '${name}'; ${hint}`)
  }
}

/** A whole number within bounds. */
export function checkInteger(name: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  throw optionError(`option '${name}' must be a whole number from ${least} to ${most}, not ${inspect(value)}`)
}

/** True or false, nothing that only looks like it. */
export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw optionError(`option '${name}' must be true or false, not ${inspect(value)}`)
}

/** One of a few words. */
export function checkWord<W extends string>(name: string, value: unknown, words: readonly W[]): W {
  const found = words.find((word) => word === value)
  if (found !== undefined) return found
  throw optionError(`option '${name}' must be ${words.map((w) => `'${w}'`).join(' or ')}, not ${inspect(value)}`)
}

/** A function. */
export function checkFunction<F>(name: string, value: F): F {
  if (typeof value === 'function') return value
  throw optionError(`option '${name}' must be a function, not ${inspect(value)}`)
}

/** An abort signal. */
export function checkSignal(name: string, value: unknown): AbortSignal {
  if (value instanceof AbortSignal) return value
  throw optionError(`option '${name}' must be an AbortSignal, not ${inspect(value)}`)
}

/** The known name that differs by letter case, or by one letter more, less or other. */
function nearest(name: string, names: readonly string[]): string | undefined {
  const wanted = name.toLowerCase()
  return names.find((candidate) => withinOneEdit(wanted, candidate.toLowerCase()))
}

function withinOneEdit(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  if (long.length - short.length > 1) return false
  let same = 0
  while (same < short.length && short[same] === long[same]) same++
  const restOfShort = short.slice(same + (short.length === long.length ? 1 : 0))
  return restOfShort === long.slice(same + 1)
}
