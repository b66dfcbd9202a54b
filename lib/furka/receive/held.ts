/**
 * What a source has made of files that couldn't be written here, as rsync's staging has them: kept for the next attempt,
 * since to have it made anew may cost a transfer of all of it. Neither for long, nor much of it.
 */
import type { FileOffer } from '../../source/files.js'
import type { PathPlace } from './place.js'

/** Files, bytes of them all, and milliseconds: longer than the longest wait for the next attempt. */
const mostFiles = 64
const mostBytes = 256 * 1024 ** 2
const longest = 60_000

export interface Held {
  /** What was kept of this version: from now on it isn't. */
  take(file: FileOffer): PathPlace | undefined
  /** @returns false: it isn't kept, there is no room */
  keep(file: FileOffer, place: PathPlace): boolean
  /** Gives all of it back: its room is needed. */
  clear(): void
  /** Nothing is kept any more. Nothing is given back: who closes has the source do that. */
  close(): void
}

interface Kept {
  readonly file: FileOffer
  readonly place: PathPlace
  readonly size: number
  readonly timer: NodeJS.Timeout
}

/** @param release Gives back what wasn't taken in time. */
export function createHeld(release: (file: FileOffer) => void): Held {
  const all = new Map<string, Kept>()
  let bytes = 0
  let isClosed = false

  function remove(key: string): Kept | undefined {
    const kept = all.get(key)
    if (kept === undefined) return undefined
    all.delete(key)
    bytes -= kept.size
    clearTimeout(kept.timer)
    return kept
  }

  function end(key: string): void {
    const kept = remove(key)
    if (kept !== undefined) release(kept.file)
  }

  return {
    take: (file) => remove(keyOf(file))?.place,
    keep(file, place) {
      const { size } = file
      const key = keyOf(file)
      if (isClosed || size === undefined || all.has(key) || all.size >= mostFiles || bytes + size > mostBytes)
        return false
      const timer = setTimeout(() => end(key), longest)
      timer.unref()
      all.set(key, { file, place, size, timer })
      bytes += size
      return true
    },
    clear() {
      for (const key of [...all.keys()]) end(key)
    },
    close() {
      isClosed = true
      for (const key of [...all.keys()]) remove(key)
    },
  }
}

const keyOf = ({ name, version }: FileOffer): string => `${version}\0${name}`
