/** A source that is copied to storages, from its opening to its end: what Mirror and Grimsel have in common. */
import { type ByteString, textOfBytes } from '../bytes.js'
import { createClock } from '../clock.js'
import {
  bufferTier,
  type CoreConfig,
  type CoreEvent,
  defaultLimits,
  type Failure,
  isKnown,
  isReleasing,
  movingFiles,
  nextReading,
  pendingFiles,
  type State,
} from '../core/index.js'
import { abortError, openEngine } from '../engine/index.js'
import { fromNative, type SustenError, withMessage } from '../errors.js'
import type { Journal } from '../journal/index.js'
import { checkWord } from '../options.js'
import { type Directory, openDirectory, openSweep } from '../source/index.js'
import { openStorage, type Storage } from '../storage/index.js'
import { createWaiting } from '../waiting.js'
import type { CompleteMirrorOptions } from './options.js'
import { closedError, createShell, foreignStorages, type Shell } from './shell.js'
import { openSourceWatch } from './source-watch.js'
import { openTiers, tiersOf } from './space.js'
import { createTelling, type Telling } from './telling.js'
import type { Geography } from './views.js'

/** Milliseconds between two looks for files that are gone, where the source isn't scanned. */
const sweepInterval = 3_600_000

/** Milliseconds between two readings of the buffer that announcements bring about. */
const leastLook = 250

type Announced = Omit<Extract<CoreEvent, { type: 'announced' }>, 'type' | 'at'>

/** A session under way. */
export interface Session {
  readonly source: ByteString
  readonly journal: Journal
  readonly where: Geography
  readonly shell: Shell
  readonly state: State
  readonly telling: Telling
  readonly storages: ReadonlyMap<string, Storage>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Announcements that aren't journaled yet. */
  readonly announcing: number
  /** Resolves when these are journaled. */
  announce(files: readonly Announced[]): Promise<void>
  /** Who asks for something must learn that it won't be done. @throws SustenError `ERR_SUSTEN_CLOSED`; the journal's */
  checkOpen(): void
  /** Looks at the source now, where it is watched. */
  scan(): Promise<void>
  idle(signal?: AbortSignal): Promise<void>
  close(mode?: 'drain' | 'stop'): Promise<void>
}

/**
 * Opens the storages, goes on with what is pending in the journal, and begins to watch. The session closes the journal.
 * @param claim Takes the journal, once the source was found to be there.
 */
export async function openSession(
  options: CompleteMirrorOptions,
  journal: Journal,
  claim: () => Promise<void>,
): Promise<Session> {
  const { source } = options
  const now = createClock()
  const config = coreConfig(options)
  const where: Geography = { source, targets: new Map(options.storages.map(({ id, target }) => [id, target.path])) }
  const targets = new Map(options.storages.map(({ id, target }) => [id, target]))
  const storages = new Map<string, Storage>()
  const telling = createTelling(where)
  let closing: 'drain' | 'stop' | undefined
  let closed: Promise<void> | undefined
  let failure: { readonly error: unknown } | undefined
  let announcing = 0
  let lookNext = 0
  /** There was something to do since idleness was last told. */
  let worked = false
  const { look: lookAll, until } = createWaiting(() => failure)

  const shell = createShell({
    config,
    journal,
    now,
    copy({ storage, identity, files }) {
      if (closing !== 'stop') storages.get(storage)?.copy(identity, files)
    },
    release(command) {
      if (closing !== 'stop') tiers.get(command.tier)?.release(command)
    },
    accessed: async (tier, files) => (await tiers.get(tier)?.accessed(files)) ?? [],
    tell: telling.tell,
    onFailure(error) {
      failure = { error }
      telling.emit('error', { type: 'error', error })
      close('stop').catch(() => {})
    },
    onProgress: look,
  })
  const { state } = shell
  // A Mirror goes on with whatever is mounted at its source.
  const sourceIdentity = (): string | undefined => (options.space === undefined ? undefined : sourceWatch.identity)
  const tiers = openTiers({ options, journal, targets, sourceIdentity, now, report: shell.post, onRest: look })

  function beginTelling(): void {
    telling.begin()
    shell.beginTelling()
  }

  function look(): void {
    lookAll()
    worked ||= announcing > 0 || pendingFiles(state) > 0
    if (!worked || !isIdle()) return
    worked = false
    telling.emit('idle', { type: 'idle' })
  }

  /** Removing what a shift left empty is part of its end, though no file waits for it. */
  function isIdle(): boolean {
    const isDone = shell.settled && announcing === 0 && pendingFiles(state) === 0 && !isReleasing(state)
    return isDone && tiers.rest() && (directory?.quiet ?? true)
  }

  function checkOpen(): void {
    if (failure !== undefined) throw failure.error
    if (closing !== undefined) throw closedError(state)
  }

  async function announce(files: readonly Announced[]): Promise<void> {
    announcing += files.length
    worked = true
    lookAtBuffer()
    try {
      await shell.postDurably(
        files.map(({ path, cut, fingerprint }) => ({ type: 'announced', at: now(), path, cut, fingerprint })),
      )
    } finally {
      announcing -= files.length
    }
  }

  /** Where nothing was announced for long, the buffer is read seldom: a burst mustn't wait for that. */
  function lookAtBuffer(): void {
    if (options.space === undefined || now() < lookNext) return
    lookNext = now() + leastLook
    void sourceWatch.refresh()
  }

  // ---- Source and storages -----------------------------------------------------------------------------------------

  /** What storages report before what the last process left undone is in order: nothing is copied until then. */
  let early: CoreEvent[] | undefined = []
  const report = (event: CoreEvent): void => {
    if (early === undefined) shell.post(event)
    else early.push(event)
  }
  const walker = openEngine({ threads: 1 })
  for (const { id, target, concurrency, copy, engine } of options.storages) {
    storages.set(
      id,
      openStorage({
        id,
        source,
        sourceIdentity,
        target,
        targets,
        concurrency,
        copy,
        interval: options.volumeInterval,
        nextReading: () => nextReading(state, id),
        now,
        report,
        engine: { tempTag: journal.id, ...engine },
      }),
    )
  }
  for (const id of foreignStorages(journal, config)) {
    const text = `The journal has pending files for storage '${id}', which isn't configured; they wait for it`
    shell.post({ type: 'observed', at: now(), code: 'JOURNAL_FOREIGN', subject: id, text })
  }
  const directory: Directory | undefined = options.watch
    ? openDirectory({
        source,
        engine: walker,
        settle: options.settle,
        interval: options.scanInterval,
        wants: () => true,
        knows(path, fingerprint) {
          const record = journal.get(path)
          return record !== undefined && isKnown(state, record, fingerprint)
        },
        announce,
        vanished: (path) => shell.post({ type: 'vanished', at: now(), path }),
        records: () => journal.files(),
        recordCount: () => journal.stats().records,
        report: shell.post,
        now,
        onQuiet: look,
        onError(error) {
          if (failure === undefined) telling.emit('error', { type: 'error', error })
        },
      })
    : undefined
  const sweep = options.watch
    ? undefined
    : openSweep({
        source,
        interval: sweepInterval,
        records: () => journal.files(),
        vanished: (path) => void gone.push(path),
      })
  /** Files that were not found, until it is known that their file system was there. */
  let gone: ByteString[] = []
  function tellGone(isThere: boolean): void {
    if (isThere) for (const path of gone) shell.post({ type: 'vanished', at: now(), path })
    gone = []
  }
  const sourceWatch = openSourceWatch({
    source,
    mountPoint: options.sourceMountPoint,
    isTier: options.space !== undefined,
    interval: options.volumeInterval,
    nextReading: () => nextReading(state, bufferTier),
    report: shell.post,
    now,
    onPresence(isThere) {
      directory?.present(isThere)
      tellGone(isThere)
    },
  })

  // ---- Closing -----------------------------------------------------------------------------------------------------

  function close(mode: 'drain' | 'stop' = 'drain'): Promise<void> {
    checkWord('mode', mode, ['drain', 'stop'])
    if (closing !== 'stop') closing = failure === undefined ? mode : 'stop'
    look()
    closed ??= shut()
    return closed
  }

  async function shut(): Promise<void> {
    options.signal?.removeEventListener('abort', stop)
    beginTelling()
    await sourceWatch.close()
    if (closing !== 'stop') await Promise.race([lastFiles(), until(() => closing === 'stop')]).catch(() => {})
    await Promise.all([directory?.close(), sweep?.close()])
    // Waits for what moves only: files of a storage that is out stay in the journal.
    await until(() => closing === 'stop' || (shell.settled && announcing === 0 && movingFiles(state) === 0)).catch(
      () => {},
    )
    closing = 'stop'
    await Promise.all([...storages.values(), ...tiers.values()].map((one) => one.close()))
    await walker.close('cancel')
    await until(() => shell.settled).catch(() => {})
    shell.stop()
    try {
      await journal.close()
    } finally {
      look()
      telling.streams.end()
    }
  }

  /** What was complete before the call belongs to it; what is still being written isn't waited for. */
  async function lastFiles(): Promise<void> {
    await catchUp()
    const patience = 2 * options.settle + 1000
    const end = performance.now() + patience
    const timer = setTimeout(look, patience)
    await until(() => (directory?.quiet ?? true) || performance.now() >= end)
    clearTimeout(timer)
  }

  /** What can't be looked at tells so in a message; nobody needs to wait for it. */
  async function catchUp(): Promise<void> {
    await directory?.catchUp().catch(() => {})
  }

  const stop = (): void => void close('stop').catch(() => {})
  options.signal?.addEventListener('abort', stop, { once: true })

  await opened()
  // Who opened it listens from the next turn on, at the latest.
  setImmediate(beginTelling)

  /** The source must be there at first; the storages' first readings are waited for, so that copies begin at once. */
  async function opened(): Promise<void> {
    try {
      const absent = await sourceWatch.refresh()
      if (absent !== undefined) throw absence(absent)
      // Only now: a source that was mistyped doesn't take the journal.
      await claim()
      await tiers.restore()
      const waited = early ?? []
      early = undefined
      for (const event of waited) shell.post(event)
      await Promise.all([...storages.values()].map((storage) => storage.refresh()))
      if (options.signal?.aborted) throw abortError(options.signal)
    } catch (error) {
      await close('stop')
      throw error
    }
  }

  function absence(failure: Failure): SustenError {
    const error = fromNative({ ...failure, path: source })
    const { sourceMountPoint: mountPoint } = options
    if (failure.syscall !== 'mount' || mountPoint === undefined) return error
    const [at, of] = [textOfBytes(mountPoint), textOfBytes(source)]
    return withMessage(
      error,
      `${of} doesn't lie on a file system that is mounted at ${at}: mount it, or give its right place`,
    )
  }

  return {
    source,
    journal,
    where,
    shell,
    state,
    telling,
    storages,
    now,
    get announcing() {
      return announcing
    },
    announce,
    checkOpen,
    async scan() {
      checkOpen()
      await directory?.scan()
    },
    async idle(signal) {
      if (closing !== undefined && !isIdle()) throw closedError(state)
      let caughtUp = closing !== undefined
      if (!caughtUp) {
        void catchUp().then(() => {
          caughtUp = true
          look()
        })
      }
      await until(() => (caughtUp && isIdle()) || closing !== undefined, signal)
      if (!isIdle()) throw closedError(state)
    },
    close,
  }
}

function coreConfig(options: CompleteMirrorOptions): CoreConfig {
  return {
    source: options.source,
    storages: options.storages.map(({ id, type, target, mountPoint }) => ({
      id,
      type,
      target: target.path,
      ...(mountPoint === undefined ? {} : { mountPoint }),
    })),
    policy: options.policy,
    retry: options.retry,
    limits: defaultLimits,
    ...tiersOf(options),
  }
}
