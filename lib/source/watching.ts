/** Notifications of a directory's files, for as long as it is there. */
import type { ByteString } from '../bytes.js'
import type { Failure } from '../core/index.js'
import { type NativeWatchEvent, type NativeWatcher, native } from '../native.js'

export interface Watching {
  /** Whether notifications come now. */
  readonly active: boolean
  /** Begins, if it isn't active. Throws what the system says. */
  start(): void
  /** Resolves when all that happened before this call has been told; at once where it isn't active. */
  catchUp(): Promise<void>
  close(): Promise<void>
}

export interface WatchingOptions {
  readonly directory: ByteString
  /** Files that were closed after writing or moved into place. */
  readonly onComplete: (paths: readonly ByteString[]) => void
  /** Files that are there and may still be being written. */
  readonly onFound: (paths: readonly ByteString[]) => void
  /** Notifications were lost. */
  readonly onOverflow: () => void
  /** A directory can't be watched. */
  readonly onLimit: (directory: ByteString, failure: Failure | undefined) => void
  /** The directory itself is gone: no notifications any more, until started again. */
  readonly onGone: (failure: Failure | undefined) => void
}

export function createWatching(options: WatchingOptions): Watching {
  let watcher: NativeWatcher | undefined
  let closing: Promise<void> = Promise.resolve()
  /** Those who wait to have been told all, in order. */
  let waiting: (() => void)[] = []

  function stop(): void {
    if (watcher === undefined) return
    const ended = watcher
    watcher = undefined
    for (const tell of waiting) tell()
    waiting = []
    closing = closing.then(() => native.closeWatcher(ended))
  }

  function take(source: () => NativeWatcher | undefined, events: readonly NativeWatchEvent[]): void {
    if (watcher === undefined || source() !== watcher) return
    const complete: ByteString[] = []
    const found: ByteString[] = []
    for (const event of events) {
      if (event.kind === 'closed' || event.kind === 'moved') complete.push(event.name)
      else if (event.kind === 'found') found.push(event.name)
    }
    if (complete.length > 0) options.onComplete(complete)
    if (found.length > 0) options.onFound(found)
    for (const event of events) {
      if (event.kind === 'overflow') options.onOverflow()
      else if (event.kind === 'marked') waiting.shift()?.()
      else if (event.kind === 'limit') options.onLimit(event.name, event.error)
      else if (event.kind === 'gone') {
        stop()
        options.onGone(event.error)
      }
    }
  }

  return {
    get active() {
      return watcher !== undefined
    },
    start() {
      if (watcher !== undefined) return
      const mine = native.openWatcher(options.directory, (events) => take(() => mine, events))
      watcher = mine
    },
    catchUp() {
      if (watcher === undefined) return Promise.resolve()
      const mine = watcher
      return new Promise((resolve) => {
        waiting.push(resolve)
        native.markWatcher(mine)
      })
    },
    async close() {
      stop()
      await closing
    },
  }
}
