/** An engine right above the addon: results of whole jobs, and a look at its threads and system calls. */
import { setImmediate as turn } from 'node:timers/promises'
import type { ByteString } from '#lib/bytes.js'
import {
  type NativeCopyFile,
  type NativeCopyJob,
  type NativeCopyOptions,
  type NativeDone,
  type NativeEngineOptions,
  type NativeEvent,
  type NativeFault,
  type NativeFileResult,
  type NativeTreeJob,
  native,
} from '#lib/native.js'

/** A fault that changes nothing. With any fault at all, an engine counts its system calls. */
export const counting: NativeFault = { call: 'open', effect: 'delay' }

/** Makes temp files have names: the first attempt to link an unnamed one, which finds out whether that works, fails. */
export const namedTemps: NativeFault = { call: 'linkat', effect: 'EOPNOTSUPP' }

/** The options of most tests: what the library's own defaults are, without syncing. */
export const plainCopy: NativeCopyOptions = {
  verify: 'inline',
  durability: 'none',
  strategy: 'auto',
  uid: 'keep',
  gid: 'keep',
  mode: 'keep',
  times: 'keep',
  xattrs: 'off',
  acls: 'off',
}

/** What a job reported. */
export interface Finished {
  readonly files: NativeFileResult[]
  readonly done: NativeDone
}

export type CopyFiles = Pick<NativeCopyJob, 'srcRoot' | 'destRoot'> & {
  readonly files: readonly NativeCopyFile[]
  readonly options?: Partial<NativeCopyOptions>
}
export type CopyTree = Pick<NativeTreeJob, 'src' | 'dest'> &
  Partial<Omit<NativeTreeJob, 'options'>> & { readonly options?: Partial<NativeCopyOptions> }

/** A job that was begun. */
export interface Running {
  readonly id: number
  readonly finished: Promise<Finished>
}

export interface RawEngine extends AsyncDisposable {
  startFiles(job: CopyFiles): Running
  startTree(job: CopyTree): Running
  cancel(id: number): void
  /** Calls per entry of the table; needs a fault. */
  calls(): Record<string, number>
  /** Resolves when this call of the table has begun, which a fault `hold` then holds. */
  reached(fault: NativeFault): Promise<void>
  /** Lets go on what is held. */
  release(): void
  threads(): number
  /** Resolves once the threads have ended. */
  close(mode?: 'drain' | 'cancel'): Promise<void>
}

/** Opens an engine; one thread unless told otherwise, so that a run's calls come in the same order every time. */
export function openRaw(
  options: Partial<Omit<NativeEngineOptions, 'onEvents'>> & {
    /** Sees every event first. */
    readonly onEvent?: (event: NativeEvent) => void
  } = {},
): RawEngine {
  const { onEvent, ...rest } = options
  const jobs = new Map<number, { files: NativeFileResult[]; resolve: (finished: Finished) => void }>()
  const handle = native.openEngine({
    threads: 1,
    nice: 0,
    queueLimit: 1_000_000,
    ...rest,
    onEvents(events) {
      for (const event of events) {
        onEvent?.(event)
        const job = jobs.get(event.job)
        if (event.type === 'file') job?.files.push(event)
        if (event.type !== 'done') continue
        jobs.delete(event.job)
        job?.resolve({ files: job.files, done: event })
      }
    },
  })
  const run = (id: number): Running => ({
    id,
    finished: new Promise((resolve) => jobs.set(id, { files: [], resolve })),
  })
  const close = (mode: 'drain' | 'cancel' = 'cancel'): Promise<void> => native.closeEngine(handle, mode)
  return {
    startFiles: ({ options, ...job }) =>
      run(native.copyFiles(handle, { ...job, options: { ...plainCopy, ...options } })),
    startTree: ({ options, ...job }) =>
      run(
        native.copyTree(handle, {
          existing: 'replace',
          dereference: false,
          verbatimSymlinks: false,
          stopOnError: false,
          filter: false,
          reportFiles: true,
          ...job,
          options: { ...plainCopy, ...options },
        }),
      ),
    cancel: (id) => native.cancel(handle, id),
    calls: () => native.callCounts(handle),
    async reached({ call, at = 1 }) {
      while ((native.callCounts(handle)[call] ?? 0) < at) {
        if (jobs.size === 0) throw new Error(`${call} #${at} was never called`)
        await turn()
      }
    },
    release: () => native.releaseCalls(handle),
    threads: () => native.engineThreads(handle),
    close,
    [Symbol.asyncDispose]() {
      native.releaseCalls(handle)
      return close()
    },
  }
}

/** Plain ASCII text as a path. */
export const bytes = (text: string): ByteString => text as ByteString

/** One file of a copy job under the same name on both sides. */
export function same(name: string, more: Partial<NativeCopyFile> = {}): NativeCopyFile {
  return { src: bytes(name), dest: bytes(name), existing: 'replace', ...more }
}
