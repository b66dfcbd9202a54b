/** File systems of the simulated beamline: the buffer, and one for each storage. */
import type { Fingerprint } from '#lib/core/index.js'
import type { Random } from '../support/random.js'

/** A file. Never changed: what changes is another one under the same name. */
export interface File {
  readonly kind: 'file'
  /** Tells one content from every other. Two files of one content are copies. */
  readonly content: number
  readonly ino: bigint
  readonly size: number
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

/** A symbolic link to where the same name lies on a storage. */
export interface Link {
  readonly kind: 'link'
  readonly to: string
}

export type Thing = File | Link

/** A file that a release has put away, and what it has left in its place. */
export interface Hidden {
  readonly thing: Thing
  readonly link: string | undefined
}

export interface Place {
  readonly id: string
  /** Nothing of it survives a power cut. */
  readonly isRam: boolean
  /** Modification times are cut to multiples of it. */
  readonly grain: bigint
  readonly capacity: number
  identity: string
  /** What is mounted: itself, another file system, or nothing. */
  mounted: 'own' | 'other' | 'none'
  /** Bytes that others have put there. */
  others: number
  /** How often a copy or a release fails there, 0…1; and the error code. */
  trouble: number
  code: string
  /** By name: what programs see. */
  readonly now: Map<string, Thing>
  /** What is on stable storage. */
  readonly safe: Map<string, Thing>
  readonly hidden: Map<string, Hidden>
}

export function createPlace(id: string, options: Pick<Place, 'isRam' | 'grain' | 'capacity'>): Place {
  return {
    id,
    ...options,
    identity: `own-${id}`,
    mounted: 'own',
    others: 0,
    trouble: 0,
    code: 'EACCES',
    now: new Map(),
    safe: new Map(),
    hidden: new Map(),
  }
}

export function fileAt(place: Place, name: string): File | undefined {
  const thing = place.now.get(name)
  return thing?.kind === 'file' ? thing : undefined
}

export function put(place: Place, name: string, thing: Thing | undefined): void {
  if (thing === undefined) place.now.delete(name)
  else place.now.set(name, thing)
}

/** Makes the names of a directory durable: the one in which this name is. */
export function sync({ now, safe }: Place, name: string): void {
  const directory = name.slice(0, name.lastIndexOf('/') + 1)
  const isInside = (other: string): boolean => other.startsWith(directory) && !other.includes('/', directory.length)
  for (const other of [...safe.keys()]) if (isInside(other) && !now.has(other)) safe.delete(other)
  for (const [other, thing] of now) if (isInside(other)) safe.set(other, thing)
}

/** `name.~N~`, the first that is free. */
export function versionName({ now }: Place, name: string): string {
  for (let number = 1; ; number++) {
    const version = `${name}.~${number}~`
    if (!now.has(version)) return version
  }
}

/** Whether a content lies under a name, or under one that versions of it were given. */
export function holds(things: ReadonlyMap<string, Thing>, name: string, content: number): boolean {
  const there = things.get(name)
  if (there?.kind === 'file' && there.content === content) return true
  for (const [other, thing] of things) {
    if (thing.kind === 'file' && thing.content === content && other.startsWith(`${name}.~`)) return true
  }
  return false
}

export function usedBytes({ now, hidden, others }: Place): number {
  let sum = others
  for (const thing of now.values()) if (thing.kind === 'file') sum += thing.size
  for (const { thing } of hidden.values()) if (thing.kind === 'file') sum += thing.size
  return sum
}

/**
 * What a release had put away gets its name again: where a link stands for it, or nothing does; else it is kept beside.
 * @param link The link that may be taken away; undefined: any.
 */
export function putBack(place: Place, name: string, link: string | undefined | 'any', ctimeNs: bigint): void {
  const hidden = place.hidden.get(name)
  if (hidden === undefined) return
  place.hidden.delete(name)
  const thing = hidden.thing.kind === 'file' ? { ...hidden.thing, ctimeNs } : hidden.thing
  const there = place.now.get(name)
  const isOurs = there?.kind === 'link' && (link === 'any' || there.to === link)
  if (there === undefined || isOurs) put(place, name, thing)
  else if (thing.kind === 'file' || link !== 'any') put(place, versionName(place, name), thing)
}

/** The power is cut: of what isn't durable, each name is as it was or as it is. */
export function cutPower(place: Place, random: Random): void {
  if (place.isRam) {
    place.now.clear()
    place.hidden.clear()
    place.others = 0
  } else {
    for (const name of new Set([...place.now.keys(), ...place.safe.keys()])) {
      if (place.now.get(name) === place.safe.get(name)) continue
      if (random.chance(0.5)) continue
      put(place, name, place.safe.get(name))
      place.hidden.delete(name)
    }
  }
  place.safe.clear()
  for (const [name, thing] of place.now) place.safe.set(name, thing)
}

export function fingerprintOf({ ino, size, mtimeNs, ctimeNs }: File): Fingerprint {
  return { dev: 1n, ino, size, mtimeNs, ctimeNs }
}

/** Stands for XXH3-128. */
export const digestOf = (content: number): string => content.toString(16).padStart(32, '0')
