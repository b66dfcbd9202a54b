/** A daemon's life: what all of them have is opened in order, then their own; all of it is closed in the opposite one. */
import type { ConfigNote } from '../config/index.js'
import { type Method, openControl, type Peer } from '../control/index.js'
import { SustenError } from '../errors.js'
import { type Fields, type Log, openLog } from '../log/index.js'
import { type DescriptorStore, type Notifier, startWatchdog } from '../systemd/index.js'
import { asOf, inFile } from './blame.js'
import { pidFileOf, wordsFileOf, writePidFile, writeWords } from './files.js'
import { commonMethods } from './methods.js'
import { closeParts, type Drainable, drain, type Part } from './parts.js'
import type { DaemonBasics, Phase } from './status.js'

/** How a daemon was called. */
export interface DaemonOptions {
  /** The configuration file's name. */
  readonly file: string
  readonly version: string
  readonly notifier: Notifier
  /** Keeps descriptors for the next process. */
  readonly store?: DescriptorStore | undefined
  /** A supervisor started it, and is to restart it. */
  readonly supervised: boolean
}

export interface Daemon {
  /** Resolves when it runs. Rejects with why it doesn't: `ABORT_ERR` if it was told to stop meanwhile. */
  readonly ready: Promise<void>
  /** Resolves when everything is closed. Rejects then with what ended it, if that was a failure. */
  readonly ended: Promise<void>
  /** A thread hasn't come back: an ordinary exit would wait for it. */
  readonly isStuck: boolean
  /**
   * Takes nothing new, finishes what moves, for 20 s at most, and closes everything.
   * @param now What moves isn't waited for: the next start goes on with it.
   */
  stop(now: boolean): void
  reopenLog(): void
  /** The last line of the log, before the process ends with an error that nobody expected. */
  crash(error: unknown): void
}

/** What the configuration says of the daemon itself. */
export interface DaemonPlaces {
  readonly controlSocket: string
  readonly logfile: string
  /** Bytes. */
  readonly logfileMaxSize: number
  readonly logfileMaxNumber: number
}

export interface DaemonConfig {
  /** What sentences call it: `Grimsel`. */
  readonly name: string
  readonly places: DaemonPlaces
  /** How the configuration file calls two of them. */
  readonly keys: { readonly controlSocket: string; readonly logfile: string }
  readonly notes: readonly ConfigNote[]
  /** Looks whether all is there that it needs, before anything is made. Rejects with what isn't. */
  readonly check: () => Promise<void>
  /** What it was started with besides the configuration, and keeps over a restart. Default: nothing. */
  readonly words?: readonly string[]
  /** Bytes of a request on the control socket. Default: as few as it takes elsewhere. */
  readonly maxLine?: number
}

/** What a daemon's own part is given. */
export interface DaemonInside {
  /** Aborts when it is told to stop while it starts; never later. */
  readonly starting: AbortSignal
  /** Keeps descriptors for the next process. */
  readonly store: DescriptorStore | undefined
  /** It ends since it can't go on: whoever supervises it starts it again. */
  isFailing(): boolean
  /** @throws SustenError `ERR_SUSTEN_CLOSED` while it starts or stops */
  running<T>(opened: T | undefined): T
  /** Notes in the log what somebody asked for. */
  note(method: string, uid: number, fields: object): void
  /** It can't go on. */
  fail(error: unknown): void
  /** Something is open: it is closed before what was opened before it. */
  opened(part: Part): void
  /** The same for what ends what moves before it closes. */
  moves(name: string, of: Drainable): void
}

/** A daemon's own part. `S` is what it says of itself besides the basics. */
export interface Service<S extends object> {
  /** What it can be asked besides what every daemon can. */
  readonly methods: Readonly<Record<string, Method>>
  /** Cheap to read, at any time. */
  status(): S
  /** Opens all that is its own. */
  open(log: Log): Promise<RunningService>
}

export interface RunningService {
  /** Of the log's line that tells that it runs. */
  readonly fields: Fields
  /** Asked now and then; false twice in a row lets the supervisor restart it. */
  makesProgress(): boolean
  /** One line on how things are. */
  summary(): string
}

/** Milliseconds between two lines for the supervisor. */
const summaryInterval = 5000

/** Begins at once; see {@link Daemon.ready}. */
export function runDaemon<S extends object>(
  { name, places, keys, notes, check, words = [], maxLine }: DaemonConfig,
  { file, version, notifier, store, supervised }: DaemonOptions,
  create: (inside: DaemonInside) => Service<S>,
): Daemon {
  const started = Date.now()
  const open: Part[] = []
  const starting = new AbortController()
  const hurry = new AbortController()
  let phase: Phase = 'starting'
  let log: Log | undefined
  let failure: { readonly error: unknown } | undefined
  /** The user who had it stopped, by the control socket. */
  let stopper: number | undefined
  let isStuck = false
  let end = (): void => {}
  const asked = new Promise<void>((resolve) => {
    end = resolve
  })

  const service = create({
    starting: starting.signal,
    store,
    isFailing: () => failure !== undefined,
    running(opened) {
      if (phase === 'running' && opened !== undefined) return opened
      throw new SustenError(`${name} is ${phase}; try again later`, { code: 'ERR_SUSTEN_CLOSED' })
    },
    note: (method, uid, fields) =>
      log?.info({ event: method, by: uid, ...fields }, `${method}, asked for by uid ${uid}`),
    fail,
    opened: (part) => open.push(part),
    moves(what, of) {
      const close = () => (log === undefined ? of.close('stop') : drain(of, hurry.signal, log))
      open.push({ name: what, close, drains: true, hasThreads: true })
    },
  })

  function status(): DaemonBasics & S {
    const logLinesLost = log?.lost ?? 0
    const basics = { phase, pid: process.pid, version, config: file, started, supervised, logLinesLost }
    return { ...basics, ...service.status() }
  }

  // ---- Starting ----------------------------------------------------------------------------------------------------

  async function start(): Promise<void> {
    try {
      await checkFirst()
      await openAll()
    } catch (error) {
      throw inFile(file, error)
    }
  }

  /** What can't be begun leaves nothing but a line in the log. */
  async function checkFirst(): Promise<void> {
    try {
      await check()
    } catch (error) {
      // It may be the log of a daemon that runs: that one begins a new file when it is time.
      const endless = { path: places.logfile, maxSize: Number.POSITIVE_INFINITY, maxNumber: 0 }
      const lines = await openLog(endless).catch(() => undefined)
      lines?.error({ event: 'failure', err: inFile(file, error) }, `${name} didn't start`)
      await lines?.close()
      throw error
    }
  }

  async function openAll(): Promise<void> {
    // First: it is the lock that keeps a second daemon away, and tells who asks that this one is starting.
    const methods = { ...service.methods, ...commonMethods(status, stop) }
    const control = await asOf(
      keys.controlSocket,
      openControl({ path: places.controlSocket, methods, onRefused, ...(maxLine === undefined ? {} : { maxLine }) }),
    )
    open.push({ name: 'control socket', close: () => control.close() })
    open.push({ name: 'pid file', close: writePidFile(pidFileOf(control.path)) })
    open.push({ name: 'options', close: writeWords(wordsFileOf(control.path), words) })
    const { logfile: path, logfileMaxSize: maxSize, logfileMaxNumber: maxNumber } = places
    const lines = await asOf(keys.logfile, openLog({ path, maxSize, maxNumber }))
    log = lines
    open.push({ name: logPart, close: () => lines.close() })
    lines.info({ event: 'start', version, config: file }, `${name} ${version} starts`)
    for (const { text, position } of notes) lines.warn({ event: 'config', line: position?.line }, text)
    const { fields, makesProgress, summary } = await service.open(lines)
    if (starting.signal.aborted) throw stopped()
    phase = 'running'
    open.push({ name: 'watchdog', close: startWatchdog(notifier, makesProgress) })
    open.push({ name: 'summary', close: tellSummaries(summary) })
    notifier.ready()
    lines.info({ event: 'ready', ...fields, ms: Date.now() - started }, `${name} runs`)
  }

  function onRefused(caller: Peer | undefined, error: SustenError): void {
    log?.warn({ event: 'caller', uid: caller?.uid, by: caller?.pid, err: error }, 'a caller was turned away')
  }

  function tellSummaries(summary: () => string): () => void {
    const tell = (): void => notifier.status(summary())
    tell()
    const timer = setInterval(tell, summaryInterval).unref()
    return () => clearInterval(timer)
  }

  // ---- Ending ------------------------------------------------------------------------------------------------------

  function stop(now: boolean, by?: number): void {
    stopper ??= by
    if (now) hurry.abort()
    // What was opened with this signal would be stopped by it at once.
    if (phase === 'starting') starting.abort(stopped())
    end()
  }

  function fail(error: unknown): void {
    if (failure !== undefined || phase === 'stopping') return
    failure = { error }
    log?.error({ event: 'failure', err: error }, `${name} can't go on`)
    stop(true)
  }

  async function live(): Promise<void> {
    try {
      await ready
      await asked
    } catch (error) {
      failure ??= { error }
      if (!starting.signal.aborted) log?.error({ event: 'failure', err: error }, `${name} didn't start`)
    }
    phase = 'stopping'
    notifier.stopping()
    log?.info({ event: 'stop', by: stopper, now: hurry.signal.aborted }, `${name} stops`)
    isStuck = await closeParts(
      open,
      () => log,
      (part) => {
        if (part.name === logPart) log?.info({ event: 'end' }, `${name} has stopped`)
      },
    )
    notifier.close()
    if (failure !== undefined) throw failure.error
  }

  const ready = start()
  const ended = live()
  ended.catch(() => {})
  return {
    ready,
    ended,
    get isStuck() {
      return isStuck
    },
    stop: (now) => stop(now),
    reopenLog() {
      log?.reopen()
      log?.info({ event: 'reopen' }, 'the log was opened anew')
    },
    crash(error) {
      log?.fatal({ event: 'crash', err: error }, `${name} ends: an error that nobody expected`)
    },
  }
}

const logPart = 'log'

const stopped = (): SustenError =>
  new SustenError('ABORT_ERR: it was told to stop while it started', { code: 'ABORT_ERR' })
