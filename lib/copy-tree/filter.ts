/** The user's filter as the engine asks it: many paths at a time. */
import type { ByteString } from '../bytes.js'
import type { TreeFilter } from '../engine/index.js'
import type { CopyFilter } from './types.js'

/** How the engine's paths become the user's. */
export interface FilterPaths<P> {
  src(path: ByteString): P
  dest(path: ByteString): P
}

/**
 * Asks a filter for each pair in turn. Answers that are promises are awaited together, so an asynchronous filter has
 * one directory's entries to decide on at a time.
 */
export function treeFilter<P extends string | Uint8Array>(filter: CopyFilter<P>, paths: FilterPaths<P>): TreeFilter {
  return (src, dest) => {
    const accept = new Uint8Array(src.length)
    const later: PromiseLike<void>[] = []
    src.forEach((path, i) => {
      const settle = (yes: boolean): void => {
        accept[i] = yes ? 1 : 0
      }
      const answer = filter(paths.src(path), paths.dest(dest[i] ?? path))
      if (isPromise(answer)) later.push(answer.then(settle))
      else settle(answer)
    })
    return later.length === 0 ? accept : Promise.all(later).then(() => accept)
  }
}

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
