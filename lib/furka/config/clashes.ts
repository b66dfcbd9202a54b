/** Looks whether detectors get along with one another, and with the rest of a configuration. */
import { isEitherWithin, quoted, withoutMarker } from '../../config/index.js'
import { isWithin } from '../../paths.js'
import type { FurkaConfig, FurkaDetector } from './types.js'

/** What is wrong with a detector. */
export interface Clash {
  /** Its place in the list. */
  readonly detector: number
  readonly what: string
  /** What of the whole file it doesn't get along with. */
  readonly with: SharedPlace | undefined
}

type SharedPlace = 'requiredMount' | 'journalDirectory'

/** How messages call what a file says: by its key, so that it is found there. */
export interface ClashWords extends Readonly<Record<SharedPlace | 'target', string>> {
  /** Whether the file says nothing of it. */
  isDefault(name: SharedPlace | 'target', detector: number): boolean
}

/** Where it isn't known which form the file has. */
export const plainWords: ClashWords = {
  target: 'target',
  requiredMount: 'the required mount,',
  journalDirectory: "the journal's directory,",
  isDefault: () => false,
}

/** A detector as far as it is known: undefined is what was refused, or isn't known since something else was. */
export type KnownDetector = { readonly [K in keyof FurkaDetector]: FurkaDetector[K] | undefined }

/** The parts of a configuration that detectors have to do with; undefined are those that were refused. */
export interface Surroundings {
  readonly detectors: readonly KnownDetector[]
  readonly requiredMount: FurkaConfig['requiredMount']
  readonly journalDirectory: string | undefined
}

export function clashesOf(surroundings: Surroundings, words: ClashWords): readonly Clash[] {
  const { detectors } = surroundings
  return detectors.flatMap((one, detector) => [
    ...targetClashes(detector, surroundings, words),
    ...[...directoryClashes(one, detectors), ...doubles(one, detectors.slice(0, detector))].map((what) => ({
      detector,
      what,
      with: undefined,
    })),
  ])
}

function targetClashes(
  detector: number,
  { detectors, requiredMount: mount, journalDirectory: journal }: Surroundings,
  words: ClashWords,
): readonly Clash[] {
  const target = detectors[detector]?.target
  if (target === undefined) return []
  const path = withoutMarker(target)
  const shown = (name: SharedPlace | 'target', value: string): string =>
    `${words[name]} ${quoted(value)}${words.isDefault(name, detector) ? ' (the default)' : ''}`
  const own = shown('target', target)
  const clashes: Clash[] = []
  if (path === '/') {
    const what = `${own} must not be the root directory; name one below it`
    clashes.push({ detector, what, with: undefined })
  }
  if (mount !== undefined && !isWithin(mount, path)) {
    const what = `${own} must be ${shown('requiredMount', mount)}, or lie below it`
    clashes.push({ detector, what, with: 'requiredMount' })
  }
  if (journal !== undefined && path !== '/' && isEitherWithin(path, journal)) {
    const other = shown('journalDirectory', journal)
    const what = `${own} and ${other} must not lie in one another: what is on a RAM disk is lost`
    clashes.push({ detector, what, with: 'journalDirectory' })
  }
  return clashes
}

/** What is received must not become a source. */
function directoryClashes({ source }: KnownDetector, detectors: readonly KnownDetector[]): readonly string[] {
  if (source?.protocol !== 'directory') return []
  const written = detectors.flatMap((other) => [
    ...(other.target === undefined ? [] : [{ what: 'target', path: other.target, of: other }]),
    ...(other.source?.protocol === 'rsync' ? [{ what: 'staging', path: other.source.staging, of: other }] : []),
  ])
  const clash = written.find(({ path }) => isEitherWithin(source.path, withoutMarker(path)))
  if (clash === undefined) return []
  const { what, path, of } = clash
  return [`source ${quoted(source.path)} and ${what} ${quoted(path)} of ${nameOf(of)} lie in one another`]
}

/** Two that fetch the same files would delete them before each other's eyes. */
function doubles({ source }: KnownDetector, before: readonly KnownDetector[]): readonly string[] {
  const other = before.find((candidate) => isSame(source, candidate.source))
  return other === undefined ? [] : [`fetches the same files as ${nameOf(other)}; each file may be fetched once`]
}

function isSame(a: KnownDetector['source'], b: KnownDetector['source']): boolean {
  if (a === undefined || b === undefined) return false
  if (a.protocol === 'directory') return b.protocol === 'directory' && isEitherWithin(a.path, b.path)
  if (b.protocol === 'directory' || a.port !== b.port) return false
  if (a.host.toLowerCase() !== b.host.toLowerCase()) return false
  if (a.protocol === 'filewriter') return b.protocol === 'filewriter'
  return b.protocol === 'rsync' && a.module === b.module && isEitherWithin(a.path, b.path)
}

const nameOf = ({ id }: KnownDetector): string => (id === undefined ? 'another detector' : `detector ${quoted(id)}`)
