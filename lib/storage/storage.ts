/** One storage: an engine that copies to it, and the watch over its file system. */
import type { ByteString } from '../bytes.js'
import type { CopyOrder, CoreEvent } from '../core/index.js'
import { type EngineOptions, openEngine } from '../engine/index.js'
import type { NativeCopyOptions } from '../native.js'
import { createCopier } from './copier.js'
import type { Target } from './target.js'
import { watchVolume } from './volume-watch.js'

export interface StorageOptions {
  readonly id: string
  readonly source: ByteString
  /** The identity of the file system that the source must lie on, if that is to be looked at. */
  readonly sourceIdentity: () => string | undefined
  readonly target: Target
  /** Targets of all storages, by id. */
  readonly targets: ReadonlyMap<string, Target>
  /** Files that are copied at the same time: threads of the storage's engine. */
  readonly concurrency: number
  readonly copy: NativeCopyOptions
  /** Milliseconds between two readings of the fill state, at the most. */
  readonly interval: number
  /** Milliseconds to the next one, if that is less. */
  readonly nextReading?: () => number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Told what becomes of every order, and of the file system. */
  readonly report: (event: CoreEvent) => void
  /** For tests: more options of the engine that copies. */
  readonly engine?: EngineOptions | undefined
}

export interface Storage {
  readonly id: string
  /** Copies these files to the file system of this identity. */
  copy(identity: string, files: readonly CopyOrder[]): void
  /** Reads the file system now; resolves when the reading was reported, or failed. */
  refresh(): Promise<void>
  /** Gives up all copies and ends the threads. Nothing is reported any more. */
  close(): Promise<void>
}

/** Milliseconds after which a file system that doesn't answer is unavailable. */
const patience = 10_000

export function openStorage(options: StorageOptions): Storage {
  const { id, target, now, report } = options
  const engine = openEngine({ ...options.engine, threads: options.concurrency })
  const copier = createCopier({ ...options, engine })
  const volume = watchVolume({
    path: target.root,
    interval: options.interval,
    next: options.nextReading,
    patience,
    onReading: (reading) => report({ type: 'volume', at: now(), storage: id, volume: reading }),
    onFailure: (failure) => report({ type: 'unavailable', at: now(), storage: id, failure }),
  })
  return {
    id,
    copy: copier.copy,
    refresh: volume.refresh,
    async close() {
      copier.stop()
      await Promise.all([copier.idle(), engine.close('cancel'), volume.close()])
    },
  }
}
