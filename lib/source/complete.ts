/**
 * Whether a file that was seen is whole. Pure. Nothing says it: that a file is there, or that detector and file writer
 * are done, doesn't mean that nothing is written to it any more (areaDetector/ADEiger#7). What can be known is since
 * when it has looked the same.
 *
 * Two answers, since they cost differently. To fetch a file too early is only a transfer too many: it is offered anew when
 * it has changed. To remove one too early loses the rest of it.
 */

/**
 * What a file's content says of itself:
 * - `whole`: the file ends where it says that it ends;
 * - `part`: it should be longer, says that somebody has it open for writing, or its beginning isn't written yet.
 */
export type Claim = 'whole' | 'part'

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
  /** What the content says itself, if this look asked for it. */
  readonly claim?: Claim | undefined
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
  /** What this version says itself of being whole. */
  readonly claim: Claim | undefined
}

/** Adds a look to what was seen before. */
export function seen(before: Sighting | undefined, { version, age = 0, asked, answered, claim }: Look): Sighting {
  const changes = before === undefined ? 0 : before.version === version ? before.changes : before.changes + 1
  if (before?.version !== version) return { version, first: answered, last: answered, age, changes, claim }
  return { ...before, last: Math.max(before.first, asked), age, claim: claim ?? before.claim }
}

/** Doubtful: by its own word it isn't whole, or it was seen to change and has no word of its own. */
const isDoubtful = ({ changes, claim }: Sighting): boolean => claim === 'part' || (claim === undefined && changes > 0)

/** A file in doubt must look the same for so many times as long to be removed, while the detector is idle, and is busy. */
const IN_DOUBT = { idle: 5, busy: 30 }

/**
 * Milliseconds until it can be offered, if it then still looks the same; 0: now. That the content says that it is whole is
 * as good as having settled, not more: a writer may set the end, and go on.
 */
export function untilOffered(sighting: Sighting, { settle, sure }: Patience): number {
  const { changes, claim } = sighting
  if (changes > 0 || claim === 'part') return left(sighting, sure)
  return isOld(sighting.age, { sure }) || claim === 'whole' ? 0 : left(sighting, settle)
}

/** Milliseconds until it can be removed, if it then still looks the same; 0: now. */
export function untilSure(sighting: Sighting, { sure }: Pick<Patience, 'sure'>, isBusy: boolean): number {
  return left(sighting, isDoubtful(sighting) ? sure * (isBusy ? IN_DOUBT.busy : IN_DOUBT.idle) : sure)
}

/** Whether a file hasn't changed for so long, by the server's own clock. Its times have whole seconds. */
export const isOld = (age: number | undefined, { sure }: Pick<Patience, 'sure'>): boolean => (age ?? 0) >= sure + 1000

function left({ first, last, age }: Sighting, quiet: number): number {
  return isOld(age, { sure: quiet }) ? 0 : Math.max(0, quiet - (last - first))
}
