/** What comes by a control socket, looked at before it is believed. All throw `ERR_SUSTEN_OPTION`. */
import { checkBoolean, checkInteger, checkNames } from '../options.js'

/** The parameters of a method: an object with no other names, or nothing. */
export function namesOf(method: string, params: unknown, names: readonly string[]): Readonly<Record<string, unknown>> {
  const given = params ?? {}
  checkNames(method, given as object, names)
  return given as Record<string, unknown>
}

export function checkNone(method: string, params: unknown): void {
  namesOf(method, params, [])
}

/** Milliseconds between two answers. */
export function checkInterval(params: unknown): number {
  const { interval } = namesOf('watch', params, ['interval'])
  return checkInteger('interval', interval ?? 1000, 100, 3_600_000)
}

/** Whether what moves isn't waited for. */
export function checkNow(params: unknown): boolean {
  const { now } = namesOf('stop', params, ['now'])
  return checkBoolean('now', now ?? false)
}
