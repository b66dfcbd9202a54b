/** Reads the entries of a section by the kinds of its keys. */
import type { FilePosition } from '../errors.js'
import { isRefusal, type Kind } from './kind.js'
import { nearestName } from './nearest.js'
import { quoted } from './printable.js'
import type { Problems } from './problems.js'
import type { Entry } from './raw.js'

type Keys = Readonly<Record<string, Kind<unknown>>>

/** A value that was taken, and where its key stands. */
export interface Found<T> {
  readonly value: T
  readonly at: FilePosition
}

export interface Section<K extends Keys> {
  /** Keys that are there with a value that can be taken. */
  readonly given: { readonly [N in keyof K]?: K[N] extends Kind<infer T> ? Found<T> : never }
  /** Keys that are there, but were refused: nothing further is said about them. */
  readonly wrong: ReadonlySet<string>
}

/** How a section is spoken of, and what else its keys may be. */
export interface SectionWords {
  /** Begins each message: `storage 'disk': `, or nothing. */
  readonly prefix: string
  /** Why a key that isn't one of this section's is wrong here; undefined if nothing is known about it. */
  misplaced(key: string): string | undefined
}

export function readSection<K extends Keys>(
  entries: readonly Entry[],
  keys: K,
  { prefix, misplaced }: SectionWords,
  problems: Problems,
): Section<K> {
  const first = new Map<string, FilePosition>()
  const given = new Map<string, Found<unknown>>()
  const wrong = new Set<string>()
  for (const { key, value, at } of entries) {
    const kind = Object.hasOwn(keys, key) ? keys[key] : undefined
    const earlier = first.get(key)
    if (kind === undefined) {
      problems.add(at, () => prefix + (misplaced(key) ?? unknown(key, Object.keys(keys))))
    } else if (earlier !== undefined) {
      problems.add(at, `${prefix}${key} is given twice, first in line ${earlier.line}`)
    } else {
      first.set(key, at)
      const read = kind.read(value)
      if (isRefusal(read)) {
        wrong.add(key)
        problems.add(value.form === 'json' ? value.node.at : at, `${prefix}${key} ${read.refused}`)
      } else given.set(key, { value: read, at })
    }
  }
  return { given: Object.fromEntries(given) as Section<K>['given'], wrong }
}

function unknown(key: string, known: readonly string[]): string {
  const near = nearestName(key, known)
  return `unknown key ${quoted(key)}; ${near === undefined ? `known are ${known.join(', ')}` : `did you mean '${near}'?`}`
}
