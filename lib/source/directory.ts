/** A watched directory: notifications for speed, scans for truth. */
import type { ByteString } from '../bytes.js'
import type { CoreEvent, FileRecord, Fingerprint } from '../core/index.js'
import type { Engine } from '../engine/index.js'
import { fromNative } from '../errors.js'
import type { NativeError } from '../native.js'
import { textOfThrown } from '../thrown.js'
import { isGone, lookAt } from './look.js'
import { scanSource } from './scan.js'
import { createSettling, type SeenFile, type Verdict } from './settling.js'
import { createWatching } from './watching.js'

export interface DirectoryOptions {
  readonly source: ByteString
  /** Walks the source. */
  readonly engine: Engine
  /** Milliseconds for which a file that was merely seen must be quiet. */
  readonly settle: number
  /** Least milliseconds between two scans. */
  readonly interval: number
  /** Whether a file is to be announced at all. */
  readonly wants: (path: ByteString) => boolean
  readonly knows: (path: ByteString, fingerprint: Fingerprint) => boolean
  /** Announces files; resolves when they are journaled. */
  readonly announce: (files: readonly { path: ByteString; fingerprint?: Fingerprint }[]) => Promise<void>
  readonly vanished: (path: ByteString) => void
  readonly records: () => AsyncIterable<FileRecord>
  readonly recordCount: () => number
  readonly report: (event: CoreEvent) => void
  readonly now: () => number
  /** Told when nothing more is to be expected of what is known so far. */
  readonly onQuiet: () => void
  /** Told of what should not happen. */
  readonly onError: (error: unknown) => void
}

export interface Directory {
  /** Tells whether the source directory is there: watches it (again), and scans it, when it is. */
  present(there: boolean): void
  /** Resolves when a complete look, begun after this call, is over; at once where the source is absent or closed. */
  scan(): Promise<void>
  /**
   * Resolves when all that happened in the directory before this call is known. Where notifications don't reach, that
   * takes a scan.
   */
  catchUp(): Promise<void>
  /** False while a scan is under way, or files are waited for to be quiet. */
  readonly quiet: boolean
  close(): Promise<void>
}

/** The most files that are waited for to be quiet; what is beyond is found by another scan. */
const mostSettling = 65_536
/** A file that nobody touched for this long, in milliseconds, is quiet at the first look. */
const longQuiet = 60_000
/** A scan may take this part of the time at most, so that large trees don't keep a processor busy. */
const share = 1 / 50

export function openDirectory(options: DirectoryOptions): Directory {
  const { source, engine, report, now } = options
  const stopping = new AbortController()
  let there = false
  let round = 0
  /** A look that was asked for and not begun; one that is under way. */
  let wanted: Promise<void> | undefined
  let running: Promise<void> = Promise.resolve()
  let scanning = 0
  let timer: NodeJS.Timeout | undefined
  let missed = false
  /** Some directories aren't watched. */
  let partial = false
  /** When watching was last begun, in milliseconds of `performance.now()`. */
  let tried = Number.NEGATIVE_INFINITY

  /** What goes wrong because all is being closed isn't wrong. */
  function onError(error: unknown): void {
    if (!stopping.signal.aborted) options.onError(error)
  }

  const settling = createSettling({
    settle: options.settle,
    limit: mostSettling,
    look: (path) => lookAt(source, path),
    judge,
    onQuiet: (files) => options.announce(files).catch(onError),
    onEmpty() {
      if (missed) rescan()
      options.onQuiet()
    },
  })

  const watching = createWatching({
    directory: source,
    onComplete(paths) {
      const files = paths.filter(options.wants)
      // In this order: what has settled is announced already, so nothing seems to be over in between.
      announce(files)
      for (const path of files) settling.delete(path)
    },
    onFound(paths) {
      for (const path of paths) if (options.wants(path)) settle(path, undefined)
    },
    onOverflow() {
      const text = 'Notifications were lost, there were too many at once; a scan makes up for them'
      report({ type: 'observed', at: now(), code: 'WATCH_OVERFLOW', subject: source, text })
      rescan()
    },
    onLimit(directory, failure) {
      partial = true
      const why =
        failure?.code === 'ENOSPC' ? 'raise fs.inotify.max_user_watches' : (failure?.code ?? 'no reason given')
      const text = `A directory can't be watched (${why}); its files are found by scans only`
      report({ type: 'observed', at: now(), code: 'WATCH_LIMIT', subject: directory, text })
    },
    onGone(failure) {
      there = false
      report({ type: 'source', at: now(), available: false, ...(failure === undefined ? {} : { failure }) })
    },
  })

  /** Notifications can't be held back. Where there are too many, they are dropped for a scan. */
  let announcing = 0
  function announce(paths: readonly ByteString[]): void {
    if (paths.length === 0) return
    if (announcing > mostSettling) {
      missed = true
      return
    }
    announcing += paths.length
    options
      .announce(paths.map((path) => ({ path })))
      .catch(onError)
      .finally(() => {
        announcing -= paths.length
        if (missed && announcing === 0) rescan()
        if (announcing === 0) options.onQuiet()
      })
  }

  function judge(path: ByteString, fingerprint: Fingerprint): Verdict {
    if (options.knows(path, fingerprint)) return 'known'
    const { mtimeNs, ctimeNs } = fingerprint
    const touched = Number((mtimeNs > ctimeNs ? mtimeNs : ctimeNs) / 1_000_000n)
    return Date.now() - touched >= longQuiet ? 'quiet' : 'young'
  }

  function settle(path: ByteString, fingerprint: Fingerprint | undefined): void {
    if (!settling.add(path, fingerprint)) missed = true
  }

  function scan(): Promise<void> {
    if (stopping.signal.aborted || !there) return Promise.resolve()
    if (wanted === undefined) {
      scanning += 1
      wanted = running.then(run)
      running = wanted
    }
    return wanted
  }

  function rescan(): void {
    missed = false
    void scan()
  }

  async function run(): Promise<void> {
    wanted = undefined
    clearTimeout(timer)
    const begun = performance.now()
    try {
      if (there && !stopping.signal.aborted) await scanOnce()
    } catch (error) {
      reportScan(source, error)
    } finally {
      scanning -= 1
      const pause = Math.max(options.interval, (performance.now() - begun) / share)
      if (!stopping.signal.aborted) timer = setTimeout(rescan, pause)
      options.onQuiet()
    }
  }

  function reportScan(subject: ByteString, error: unknown): void {
    if (stopping.signal.aborted) return
    const why = textOfThrown(error)
    const text = `A look at the source could not read all: ${why}; what is there is found when it can be read`
    report({ type: 'observed', at: now(), code: 'SCAN_ERROR', subject, text })
  }

  async function scanOnce(): Promise<void> {
    const host = {
      walk: () => engine.walk({ root: source, below: '' as ByteString }, { signal: stopping.signal }),
      wants: options.wants,
      judge,
      unreadable: (error: NativeError) => reportScan(error.path, fromNative(error)),
      announce: (files: readonly SeenFile[]) => options.announce(files),
      settle,
      records: options.records,
      recordCount: options.recordCount,
      isGone: (path: ByteString) => isGone(source, path),
      vanished: options.vanished,
    }
    await scanSource(host, round, stopping.signal)
    round += 1
  }

  /** @returns whether notifications come from now on, and did not before */
  function startWatching(atOnce: boolean): boolean {
    if (watching.active || (!atOnce && performance.now() - tried < options.interval)) return false
    tried = performance.now()
    try {
      watching.start()
      partial = false
      return true
    } catch (error) {
      const why = textOfThrown(error)
      const text = `The source can't be watched (${why}); its files are found by scans only`
      report({ type: 'observed', at: now(), code: 'WATCH_LIMIT', subject: source, text })
      return false
    }
  }

  return {
    present(is) {
      const back = is && !there
      there = is
      if (!is || stopping.signal.aborted) return
      const started = startWatching(back)
      if (back || started) rescan()
    },
    scan,
    async catchUp() {
      if (watching.active) await watching.catchUp()
      if (partial || !watching.active) await scan()
    },
    get quiet() {
      return scanning === 0 && settling.size === 0 && announcing === 0 && !missed
    },
    async close() {
      stopping.abort()
      clearTimeout(timer)
      settling.close()
      await watching.close()
      await running
    },
  }
}
