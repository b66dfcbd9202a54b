/** Reads keys that the two forms of file spell differently. */
import { type Entry, type Found, type Kind, type Problems, readSection, type SectionWords } from '../../config/index.js'

type Kinds = Readonly<Record<string, Kind<unknown>>>
type ValueOf<K> = K extends Kind<infer T> ? T : never

/** Keys by what they mean. */
export interface Spelled<K extends Kinds> {
  /** Keys that are there with a value that can be taken. */
  readonly given: { readonly [N in keyof K]?: Found<ValueOf<K[N]>> }
  /** Keys that are there, but were refused: nothing further is said about them. */
  readonly wrong: { readonly size: number; has(name: keyof K): boolean }
  /** How the file calls them. */
  readonly spelling: { readonly [N in keyof K]: string }
}

export function readSpelled<K extends Kinds>(
  entries: readonly Entry[],
  kinds: K,
  spelling: { readonly [N in keyof K]: string },
  words: SectionWords,
  problems: Problems,
): Spelled<K> {
  // In the order of the spelling: messages list the vendor's keys first.
  const names = Object.keys(spelling) as (keyof K & string)[]
  const keys = Object.fromEntries(names.map((name) => [spelling[name], kinds[name] as Kind<unknown>]))
  const section = readSection(entries, keys, words, problems)
  const given = names.flatMap((name) => {
    const found = section.given[spelling[name]]
    return found === undefined ? [] : [[name, found] as const]
  })
  return {
    given: Object.fromEntries(given) as Spelled<K>['given'],
    wrong: new Set(names.filter((name) => section.wrong.has(spelling[name]))),
    spelling,
  }
}
