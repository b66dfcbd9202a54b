/** Two tiers with files to release, and an engine right above the addon to release them with. */
import { closeSync, constants, futimesSync, lstatSync, mkdirSync, openSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import {
  type NativeDone,
  type NativeEngineOptions,
  type NativeFault,
  type NativeReleaseFile,
  type NativeReleaseJob,
  type NativeReleaseResult,
  type NativeTierCopy,
  native,
} from '#lib/native.js'
import { bytes } from './raw-engine.js'

/** The tier that files leave, and the one that their copies are on. */
export interface Tiers {
  readonly buffer: string
  readonly disk: string
}

/** Makes the two tiers below `root`; `disk` may be elsewhere. */
export function makeTiers(root: string, disk = `${root}/disk`): Tiers {
  const tiers = { buffer: `${root}/buffer`, disk }
  for (const path of [tiers.buffer, tiers.disk]) mkdirSync(path, { recursive: true })
  return tiers
}

/** Puts a file on both tiers, with the same time, and says how it is released. */
export function releasable(
  tiers: Tiers,
  name: string,
  by: NativeReleaseFile['by'] = 'link',
  content: string | Buffer = `content of ${name}`,
): PlannedRelease {
  for (const tier of [tiers.buffer, tiers.disk]) {
    const path = `${tier}/${name}`
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    setTimes(path, 2000)
  }
  return plan(tiers, name, by)
}

/** A release that looks at the copy. */
export type PlannedRelease = NativeReleaseFile & { readonly copy: NativeTierCopy }

/** How a file is released that is on both tiers. */
export function plan(tiers: Tiers, name: string, by: NativeReleaseFile['by'] = 'link'): PlannedRelease {
  const [original, copy] = [tiers.buffer, tiers.disk].map((tier) => lstatSync(`${tier}/${name}`, { bigint: true }))
  if (original === undefined || copy === undefined) throw new Error(`no ${name}`)
  const { size, mtimeNs, ino, ctimeNs } = original
  return {
    name: bytes(name),
    by,
    known: { size: Number(size), mtimeNs, ino, ctimeNs },
    copy: { name: bytes(name), size: Number(copy.size), mtimeNs: copy.mtimeNs },
    ...(by !== 'delete' && { link: bytes(linkText(tiers, name)) }),
  }
}

/** The text of the link that takes a file's place. */
export const linkText = (tiers: Tiers, name: string): string => `${tiers.disk}/${name}`

/** A release job over both tiers. */
export function releaseJob(
  tiers: Tiers,
  files: readonly NativeReleaseFile[],
  more: Partial<NativeReleaseJob> = {},
): NativeReleaseJob {
  return { root: bytes(tiers.buffer), nextRoot: bytes(tiers.disk), files, durability: 'batch', ...more }
}

/** Sets both times of a file, through a descriptor that can't be a writer's. */
export function setTimes(path: string, seconds: number): void {
  const fd = openSync(path, constants.O_RDONLY)
  futimesSync(fd, seconds, seconds)
  closeSync(fd)
}

/** Everything below a directory that has a hidden name. */
export function hidden(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.susten-'))
}

/** What a release job reported, in the order of its lists. */
export interface Released {
  readonly results: readonly NativeReleaseResult[]
  readonly done: NativeDone
}

export interface ReleaseEngine extends AsyncDisposable {
  start(job: NativeReleaseJob): Promise<Released>
  /** Calls per entry of the table; needs a fault. */
  calls(): Record<string, number>
  /** Resolves when this call has begun, which a fault `hold` then holds. */
  reached(fault: NativeFault): Promise<void>
  /** Lets go on what is held. */
  release(): void
  threads(): number
  close(): Promise<void>
}

/** Opens an engine of one thread, so that a run's calls come in the same order every time. */
export function openRelease(options: Partial<Omit<NativeEngineOptions, 'onEvents'>> = {}): ReleaseEngine {
  const jobs = new Map<number, { results: NativeReleaseResult[]; resolve: (released: Released) => void }>()
  const handle = native.openEngine({
    threads: 1,
    nice: 0,
    queueLimit: 1_000_000,
    ...options,
    onEvents(events) {
      for (const event of events) {
        const job = jobs.get(event.job)
        if (event.type === 'release') job?.results.push(event)
        if (event.type !== 'done') continue
        jobs.delete(event.job)
        job?.resolve({ results: job.results.sort((a, b) => a.index - b.index), done: event })
      }
    },
  })
  const close = (): Promise<void> => {
    native.releaseCalls(handle)
    return native.closeEngine(handle, 'cancel')
  }
  return {
    start(job) {
      const id = native.releaseFiles(handle, job)
      return new Promise((resolve) => jobs.set(id, { results: [], resolve }))
    },
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
    [Symbol.asyncDispose]: close,
  }
}
