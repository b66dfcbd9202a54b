/**
 * Whether a listed file is whole. Pure. The API doesn't say it: that a file is listed, or that detector and file writer
 * are done, doesn't mean that nothing is written to it any more (areaDetector/ADEiger#7). What can be known is since
 * when it has looked the same.
 *
 * Two answers, since they cost differently. To fetch a file too early is only a transfer too many: it is offered anew when
 * it has changed. To remove one too early loses the rest of it.
 */

/** How long a file must have looked the same, in milliseconds. */
export interface Patience {
  /** To be offered. */
  readonly settle: number
  /** To be removed; and to be offered, once it was seen to change. */
  readonly sure: number
}

/** What a look at a file showed. */
export interface Look {
  readonly version: string
  /** For so long it hasn't changed by the server's own clock, in milliseconds; undefined: it doesn't say. */
  readonly age: number | undefined
  /** When it was asked for, and when it was answered, in milliseconds of a clock that doesn't run backwards. */
  readonly asked: number
  readonly answered: number
}

/** What looks at one file have shown so far. */
export interface Sighting {
  readonly version: string
  /** When this version had certainly come; when it certainly was still there. */
  readonly first: number
  readonly last: number
  /** At the last look, by the server's clock. */
  readonly age: number
  /** How often it was seen to change. */
  readonly changes: number
}

/** Adds a look to what was seen before. */
export function seen(before: Sighting | undefined, { version, age = 0, asked, answered }: Look): Sighting {
  const changes = before === undefined ? 0 : before.version === version ? before.changes : before.changes + 1
  if (before?.version !== version) return { version, first: answered, last: answered, age, changes }
  return { ...before, last: Math.max(before.first, asked), age }
}

/** Milliseconds until it can be offered, if it then still looks the same; 0: now. */
export function untilOffered(sighting: Sighting, { settle, sure }: Patience): number {
  return left(sighting, sighting.changes > 0 ? sure : settle, sure)
}

/** Milliseconds until it can be removed, if it then still looks the same; 0: now. */
export function untilSure(sighting: Sighting, { sure }: Patience): number {
  return left(sighting, sure, sure)
}

/** A server's times have whole seconds, so its word counts from a second more than `sure` on. */
function left({ first, last, age }: Sighting, quiet: number, sure: number): number {
  return age >= sure + 1000 ? 0 : Math.max(0, quiet - (last - first))
}
