/** A source directory, copied to any number of storages, continuously. */
import type { ByteString, PathInput } from '../bytes.js'
import {
  type CoreConfig,
  type CoreEvent,
  defaultLimits,
  isKnown,
  movingFiles,
  type Notice,
  pendingFiles,
  statusOf,
} from '../core/index.js'
import { abortError, openEngine } from '../engine/index.js'
import { fromNative } from '../errors.js'
import type { Journal } from '../journal/index.js'
import { createEmitter, createStreams } from '../observe/index.js'
import { checkBoolean, checkInteger, checkNames, checkWord, optionError } from '../options.js'
import { type Directory, openDirectory, openSweep, parseAnnounced } from '../source/index.js'
import { openStorage, type Storage } from '../storage/index.js'
import { textOfThrown } from '../thrown.js'
import { createClock } from './clock.js'
import { chosenStorages, listFailures, oneStorage, treatFailures } from './failures.js'
import { openMirrorJournal } from './journal.js'
import { type CompleteMirrorOptions, completeMirrorOptions } from './options.js'
import { recopyAll } from './recopy.js'
import { closedError, createShell, foreignStorages } from './shell.js'
import { openSourceWatch } from './source-watch.js'
import type {
  AcceptOptions,
  FailureFilter,
  Mirror,
  MirrorEvent,
  MirrorEvents,
  MirrorOptions,
  WaitOptions,
} from './types.js'
import { copiedFile, failedFile, type Geography, messageView } from './views.js'

const eventNames = ['copied', 'failed', 'message', 'idle', 'error'] as const satisfies (keyof MirrorEvents)[]
/** Key of the journal value that says what the journal is for. */
const ownerKey = 'mirror'
/** Announcements per slice: about a millisecond's work. */
const slice = 256
/** Milliseconds between two looks for files that are gone, where the source isn't scanned. */
const sweepInterval = 3_600_000
/** Events that an iteration keeps for a slow reader. */
const defaultLimit = 10_000

/**
 * Opens a Mirror: locks its journal, goes on with what is pending there, and begins to watch.
 * @throws SustenError `ERR_SUSTEN_OPTION`: a wrong option; `ERR_SUSTEN_LOCKED`: another process has the journal;
 *   the journal's other errors; `ENOENT` or `ENOTDIR`: there is no source directory; `ABORT_ERR`
 */
export async function openMirror(options: MirrorOptions): Promise<Mirror> {
  const complete = completeMirrorOptions(options)
  if (complete.signal?.aborted) throw abortError(complete.signal)
  const journal = await openMirrorJournal(complete.journal, options.journal !== undefined)
  try {
    checkOwner(journal, complete.source)
    return await run(complete, journal)
  } catch (error) {
    await journal.close()
    throw error
  }
}

/** A journal belongs to one source: its paths are below it. */
function checkOwner(journal: Journal, source: ByteString): void {
  const owner = journal.value(ownerKey) as { readonly source: string } | undefined
  if (owner === undefined || owner.source === source) return
  const where = Buffer.from(owner.source, 'latin1').toString('utf8')
  throw optionError(`journal ${journal.directory} is that of source ${where}; give this source a journal of its own`)
}

async function run(options: CompleteMirrorOptions, journal: Journal): Promise<Mirror> {
  const { source } = options
  const now = createClock()
  const config = coreConfig(options)
  const where: Geography = { source, targets: new Map(options.storages.map(({ id, target }) => [id, target.path])) }
  const storages = new Map<string, Storage>()
  const emitter = createEmitter<MirrorEvents>(eventNames, onListenerError)
  const streams = createStreams<MirrorEvent>()
  const waiting = new Set<() => void>()
  let closing: 'drain' | 'stop' | undefined
  let closed: Promise<void> | undefined
  let failure: { readonly error: unknown } | undefined
  let announcing = 0
  /** There was something to do since idleness was last told. */
  let worked = false
  /** What came up before anyone could listen. */
  let held: (() => void)[] | undefined = []

  const shell = createShell({
    config,
    journal,
    now,
    copy({ storage, identity, files }) {
      if (closing !== 'stop') storages.get(storage)?.copy(identity, files)
    },
    tell,
    onFailure(error) {
      failure = { error }
      emit('error', { type: 'error', error })
      close('stop').catch(() => {})
    },
    onProgress: look,
  })
  const { state } = shell

  // ---- Telling -----------------------------------------------------------------------------------------------------

  function emit<K extends keyof MirrorEvents & string>(type: K, event: MirrorEvents[K] & MirrorEvent): void {
    if (held !== undefined) {
      held.push(() => emit(type, event))
      return
    }
    emitter.emit(type, event)
    if (streams.open) streams.push(event)
  }

  function tell(notice: Notice): void {
    // Making an event costs more than finding out that nobody wants it.
    if (!emitter.has(notice.type) && !streams.open) return
    if (notice.type === 'copied') emit('copied', copiedFile(where, notice))
    else if (notice.type === 'failed') emit('failed', failedFile(where, notice))
    else emit('message', messageView(notice.message))
  }

  /** A listener's mistake is not the Mirror's; it is told, and nothing stops. */
  function onListenerError(error: unknown, type: string): void {
    if (type !== 'error' && emitter.has('error')) emitter.emit('error', { type: 'error', error })
    else process.emitWarning(textOfThrown(error), { type: 'SustenListenerWarning' })
  }

  function beginTelling(): void {
    const waited = held ?? []
    held = undefined
    for (const tellNow of waited) tellNow()
    shell.beginTelling()
  }

  /** Looks whether those who wait have what they wait for. */
  function look(): void {
    for (const check of waiting) check()
    worked ||= announcing > 0 || pendingFiles(state) > 0
    if (!worked || !isIdle()) return
    worked = false
    emit('idle', { type: 'idle' })
  }

  function isIdle(): boolean {
    return shell.settled && announcing === 0 && pendingFiles(state) === 0 && (directory?.quiet ?? true)
  }

  /** Resolves when a condition holds; looked at whenever something has come to its end. */
  function until(holds: () => boolean, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (act: () => void): void => {
        waiting.delete(check)
        signal?.removeEventListener('abort', check)
        act()
      }
      function check(): void {
        if (signal?.aborted) end(() => reject(abortError(signal)))
        else if (failure !== undefined) end(() => reject(failure?.error))
        else if (holds()) end(resolve)
      }
      waiting.add(check)
      signal?.addEventListener('abort', check)
      check()
    })
  }

  /** Who asks a Mirror to do something must learn that it won't. */
  function checkOpen(): void {
    if (failure !== undefined) throw failure.error
    if (closing !== undefined) throw closedError()
  }

  // ---- Announcing --------------------------------------------------------------------------------------------------

  async function announce(files: readonly Omit<Extract<CoreEvent, { type: 'announced' }>, 'type' | 'at'>[]) {
    announcing += files.length
    worked = true
    try {
      await shell.postDurably(files.map((file) => ({ type: 'announced', at: now(), ...file })))
    } finally {
      announcing -= files.length
    }
  }

  async function add(paths: PathInput | readonly PathInput[], ...more: readonly unknown[]): Promise<void> {
    if (more.length > 0) throw optionError('add: takes one path or a list of paths; more of them go into a list')
    checkOpen()
    const list = Array.isArray(paths) ? (paths as readonly PathInput[]) : [paths as PathInput]
    // All are read before the first is taken: a wrong one changes nothing.
    const files = list.map((path) => parseAnnounced(source, path))
    for (let at = 0; at < files.length; at += slice) await announce(files.slice(at, at + slice))
  }

  // ---- Source and storages -----------------------------------------------------------------------------------------

  const walker = openEngine({ threads: 1 })
  for (const { id, target, concurrency, copy, engine } of options.storages) {
    storages.set(
      id,
      openStorage({
        id,
        source,
        target,
        concurrency,
        copy,
        interval: options.volumeInterval,
        now,
        report: shell.post,
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
          if (failure === undefined) emit('error', { type: 'error', error })
        },
      })
    : undefined
  const sweep = options.watch
    ? undefined
    : openSweep({
        source,
        interval: sweepInterval,
        records: () => journal.files(),
        vanished: (path) => shell.post({ type: 'vanished', at: now(), path }),
      })
  const sourceWatch = openSourceWatch({
    source,
    interval: options.volumeInterval,
    report: shell.post,
    now,
    onPresence: (there) => directory?.present(there),
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
    await Promise.all([...storages.values()].map((storage) => storage.close()))
    await walker.close('cancel')
    await until(() => shell.settled).catch(() => {})
    shell.stop()
    try {
      await journal.close()
    } finally {
      look()
      streams.end()
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
      if (absent !== undefined) throw fromNative({ ...absent, path: source })
      // Only now: a source that was mistyped doesn't take the journal.
      if (journal.value(ownerKey) === undefined) {
        await journal.apply([{ type: 'set', key: ownerKey, value: { source } }])
      }
      await Promise.all([...storages.values()].map((storage) => storage.refresh()))
      if (options.signal?.aborted) throw abortError(options.signal)
    } catch (error) {
      await close('stop')
      throw error
    }
  }

  const meant = (where: string, filter: FailureFilter) => {
    checkNames(where, filter, ['storage', 'path'])
    const path = filter.path === undefined ? undefined : parseAnnounced(source, filter.path).path
    return { storages: chosenStorages(state, filter.storage), path }
  }

  const treat = async (type: 'retry' | 'dismiss', filter: FailureFilter = {}): Promise<number> => {
    const which = meant(type, filter)
    checkOpen()
    return treatFailures(type, { journal, shell, now }, which)
  }

  const setPaused = (type: 'pause' | 'resume', storage: string | undefined): void => {
    if (storage !== undefined) oneStorage(state, storage)
    checkOpen()
    shell.post({ type, at: now(), storage })
  }

  const events = (given: WaitOptions & { readonly limit?: number | undefined } = {}) => {
    checkNames('events', given, ['signal', 'limit'])
    return streams.iterate(checkInteger('limit', given.limit ?? defaultLimit, 1, 1 << 24), given.signal)
  }

  const mirror: Mirror = {
    journal: journal.directory,
    add,
    async scan() {
      checkOpen()
      await directory?.scan()
    },
    status() {
      const { records, bytes } = journal.stats()
      return { ...statusOf(state, now()), announcing, journal: { directory: journal.directory, records, bytes } }
    },
    async idle(given: WaitOptions = {}) {
      checkNames('idle', given, ['signal'])
      if (closing !== undefined && !isIdle()) throw closedError()
      let caughtUp = closing !== undefined
      if (!caughtUp) {
        void catchUp().then(() => {
          caughtUp = true
          look()
        })
      }
      await until(() => (caughtUp && isIdle()) || closing !== undefined, given.signal)
      if (!isIdle()) throw closedError()
    },
    failures: (filter: FailureFilter = {}) => listFailures(journal, where, meant('failures', filter)),
    retry: (filter) => treat('retry', filter),
    dismiss: (filter) => treat('dismiss', filter),
    async acceptStorage(id, given: AcceptOptions = {}) {
      checkNames('acceptStorage', given, ['recopy'])
      const recopy = checkBoolean('recopy', given.recopy ?? true)
      oneStorage(state, id)
      checkOpen()
      await shell.postDurably([{ type: 'accept', at: now(), storage: id }])
      await storages.get(id)?.refresh()
      await shell.postDurably([])
      if (recopy) await recopyAll({ source, journal, shell, now }, id)
    },
    pause: (storage) => setPaused('pause', storage),
    resume: (storage) => setPaused('resume', storage),
    on(type, listener) {
      emitter.on(type, listener)
      return mirror
    },
    off(type, listener) {
      emitter.off(type, listener)
      return mirror
    },
    once(type, listener) {
      emitter.once(type, listener)
      return mirror
    },
    events,
    close,
    [Symbol.asyncIterator]: () => events(),
    [Symbol.asyncDispose]: () => close('stop'),
  }
  return mirror
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
  }
}
