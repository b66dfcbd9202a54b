/** A tier that gives space back: carries out release commands, and reports what came of each file. */
import PQueue from 'p-queue'
import { type ByteString, bufferOfBytes, textOfBytes } from '../bytes.js'
import type { Command, CoreEvent, Failure, FileRecord, ReleaseOrder } from '../core/index.js'
import { type EngineOptions, openEngine } from '../engine/index.js'
import { SustenError } from '../errors.js'
import type { NativeError, NativeReleaseFile, NativeReleaseJob, NativeReleaseResult } from '../native.js'
import { lastAccess } from './last-access.js'
import { linkTo, placeBelow, type Target } from './target.js'

type Release = Extract<Command, { type: 'release' }>

export interface TierOptions {
  /** `buffer`, or the storage's id. */
  readonly id: string
  /** Where its files lie; undefined: it is the buffer. */
  readonly target: Target | undefined
  /** The buffer. */
  readonly source: ByteString
  /** The identity of the file system that the buffer must lie on. */
  readonly sourceIdentity: () => string | undefined
  /** Targets of all storages, by id. */
  readonly targets: ReadonlyMap<string, Target>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Told of every file that was ordered, exactly once, unless the tier is closed before. */
  readonly report: (event: CoreEvent) => void
  /** Told when all that was ordered is done, removing directories included: what is left of them no event tells. */
  readonly onRest: () => void
  readonly engine?: EngineOptions | undefined
}

export interface Tier {
  readonly id: string
  /** Nothing that was ordered is left to do. */
  readonly rests: boolean
  /** Releases these files, each only if it is what it should be, and its copy is. */
  release(command: Release): void
  /**
   * Puts in order what a dead process may have left undone in directories of these files. Rejects where the tier can't
   * be reached.
   */
  restore(files: readonly FileRecord[]): Promise<void>
  /** When each file was last read, in milliseconds since the epoch, where that can be found out. */
  accessed(files: readonly FileRecord[]): Promise<(number | undefined)[]>
  /** Gives up what isn't begun, and ends the thread. Nothing is reported any more. */
  close(): Promise<void>
}

/** Calls that change a directory take turns in the kernel; reading files to compare them needn't. */
const threads = 3
/** Jobs at once. Those of large files leave a thread for all others. */
const atOnce = 2
/** Bytes. A larger file is read for so long that it goes by itself. */
const largeFile = 256 * 1024 * 1024

/** Opens a tier. */
export function openTier(options: TierOptions): Tier {
  const { id, source, target, targets, now, report } = options
  const engine = openEngine({ ...options.engine, threads })
  const stopping = new AbortController()
  const root = target?.root ?? source
  const nameOf = ({ path, cut }: { readonly path: ByteString; readonly cut: number }): ByteString =>
    target === undefined ? path : placeBelow(target, path, cut)
  const queue = new PQueue({ concurrency: atOnce })
  const largeQueue = new PQueue({ concurrency: atOnce })
  let waiting: Waiting[] = []
  let unfinished = 0
  /** All that was ordered so far. */
  let ordered: Promise<unknown> = Promise.resolve()

  /**
   * Resolves when it is done. Results come one by one, and so do orders then: they were a job for each file, were those
   * that wait and are alike not brought together again. A turn that finds nothing left has been served by another.
   */
  function add(command: Release): Promise<void> {
    return new Promise((done) => {
      waiting.push({ command, done })
      void queue.add(async () => {
        const some = next()
        if (some.length > 0) await run(together(some.map((one) => one.command)))
        for (const one of some) one.done()
      })
    })
  }

  function next(): Waiting[] {
    const [first] = waiting
    const some = waiting.filter(({ command }) => first !== undefined && isAlike(command, first.command))
    waiting = waiting.filter((one) => !some.includes(one))
    return some
  }

  /** Files go as soon as there is room. Directories wait for all files that were ordered before, which may be in them. */
  async function addParts(command: Release): Promise<void> {
    const { files, directories } = command
    const large = files.filter(isLarge)
    if (unfinished === 0 && large.length === 0) return add(command)
    const before = ordered
    const others = files.filter((file) => !isLarge(file))
    const parts: Promise<unknown>[] = large.map((file) =>
      largeQueue.add(() => run({ ...command, files: [file], directories: [] })),
    )
    if (others.length > 0) parts.push(add({ ...command, files: others, directories: [] }))
    await Promise.all([before, ...parts])
    if (directories.length > 0) await add({ ...command, files: [] })
  }

  async function order(command: Release): Promise<void> {
    const parts = addParts(command)
    unfinished += 1
    await parts
    unfinished -= 1
    if (unfinished === 0) options.onRest()
  }

  async function run(command: Release): Promise<void> {
    if (stopping.signal.aborted) return
    const { files } = command
    const reported = new Set<number>()
    const next = targets.get(command.to)
    try {
      if (next === undefined) throw new SustenError(`no storage '${command.to}'`, { code: 'ERR_SUSTEN_OPTION' })
      await engine.release(jobOf(command, next), {
        signal: stopping.signal,
        onFile(result) {
          const order = files[result.index]
          if (order === undefined || stopping.signal.aborted) return
          reported.add(result.index)
          report(eventOf(order, result))
        },
      })
    } catch (error) {
      if (stopping.signal.aborted) return
      const paths = files.filter((_, index) => !reported.has(index)).map(({ path }) => path)
      const isNext = next !== undefined && next.root !== root && isAbout(error, next.root)
      const to = isNext ? { to: command.to } : {}
      report({ type: 'kept', at: now(), tier: id, ...to, paths, failure: failureOf(error, isNext ? next.root : root) })
    }
  }

  function jobOf({ identity, toIdentity, files, directories }: Release, next: Target): NativeReleaseJob {
    const rootIdentity = target === undefined ? options.sourceIdentity() : identity
    return {
      root,
      ...(rootIdentity === undefined ? {} : { rootIdentity }),
      nextRoot: next.root,
      ...(toIdentity === undefined ? {} : { nextIdentity: toIdentity }),
      files: files.map((order): NativeReleaseFile => {
        const { path, cut, by, known, copy } = order
        return {
          name: nameOf(order),
          by,
          known,
          copy: { name: placeBelow(next, path, cut), ...copy },
          ...(by === 'delete' ? {} : { link: linkTo(next, path, cut) }),
        }
      }),
      directories: directories.map((directory) =>
        target === undefined ? directory : placeBelow(target, directory, 0),
      ),
      durability: 'batch',
    }
  }

  function eventOf({ path }: ReleaseOrder, { outcome, bytes, error }: NativeReleaseResult): CoreEvent {
    // Always of one shape: this is done for every file, and the core reads all of it.
    const isFailed = outcome === 'failed' || outcome === 'kept'
    const failure = isFailed ? plain(error ?? unknown(root)) : error === undefined ? undefined : plain(error)
    const is = isFailed ? 'failed' : outcome
    return { type: 'released', at: now(), tier: id, path, bytes, outcome: is, failure }
  }

  return {
    id,
    get rests() {
      return unfinished === 0
    },
    release(command) {
      ordered = Promise.all([ordered, order(command)])
    },
    async restore(files) {
      const directories = new Set(files.map((file) => parentOf(nameOf(file))))
      if (directories.size === 0) return
      const job = { root, nextRoot: root, files: [], restore: [...directories], durability: 'batch' } as const
      await engine.release(job, { signal: stopping.signal })
    },
    accessed(files) {
      return lastAccess(files.map((file) => bufferOfBytes(`${root}/${nameOf(file)}` as ByteString)))
    },
    async close() {
      stopping.abort()
      await ordered
      await engine.close('cancel')
    },
  }
}

/** An order that waits for its turn. */
interface Waiting {
  readonly command: Release
  readonly done: () => void
}

/** Whether two orders can be one job: their files are served by one file system. */
const isAlike = (one: Release, other: Release): boolean =>
  one.to === other.to && one.identity === other.identity && one.toIdentity === other.toIdentity

/** Alike orders as one. */
function together(commands: readonly Release[]): Release {
  const [first] = commands as [Release]
  if (commands.length === 1) return first
  const directories = new Set(commands.flatMap((command) => command.directories))
  return {
    ...first,
    files: commands.flatMap(({ files }) => files),
    // Deepest first, as in each of them.
    directories: [...directories].sort((a, b) => depthOf(b) - depthOf(a)),
  }
}

const depthOf = (path: ByteString): number => path.split('/').length

const isLarge = ({ known }: ReleaseOrder): boolean => known.size > largeFile

/** The directory of a name below a root; the empty name is the root. */
const parentOf = (name: ByteString): ByteString => name.slice(0, Math.max(0, name.lastIndexOf('/'))) as ByteString

const unknown = (path: ByteString): NativeError => ({ code: 'EIO', errno: 5, syscall: 'release', path })

function plain({ code, errno, syscall, path, dest }: NativeError): Failure {
  return dest === undefined ? { code, errno, syscall, path } : { code, errno, syscall, path, dest }
}

/** Whether it was this directory that couldn't be worked below. */
const isAbout = (error: unknown, path: ByteString): boolean =>
  error instanceof SustenError && error.path === textOfBytes(path)

/** Why a whole job could not be done. */
function failureOf(error: unknown, path: ByteString): Failure {
  if (!(error instanceof SustenError)) return { code: 'EUNKNOWN', errno: 0, syscall: String(error), path }
  return { code: error.code, errno: Math.abs(error.errno), syscall: error.syscall, path }
}
