/** Grimsel as a daemon: everything that a configuration names, opened in order, and closed in the opposite one. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ByteString } from '../../bytes.js'
import { openControl, type Peer } from '../../control/index.js'
import { SustenError } from '../../errors.js'
import { type Log, openLog } from '../../log/index.js'
import { type Notifier, startWatchdog } from '../../systemd/index.js'
import type { GrimselConfig, LoadedConfig } from '../config/index.js'
import { Grimsel } from '../index.js'
import { openMessagePort, openStatusPort, type Port } from '../ports/index.js'
import { announce, type RefusedPath } from './announce.js'
import { asOf, blamed } from './blame.js'
import { find } from './find.js'
import { methodsOf } from './methods.js'
import { grimselOptions } from './options.js'
import { pidFileOf, writePidFile } from './pid-file.js'
import { type DaemonPipe, openDaemonPipe } from './pipe.js'
import { createProgress, summaryOf } from './progress.js'
import { report } from './report.js'
import { statusEntries } from './shifts.js'
import type { DaemonStatus, Phase } from './status.js'

export interface DaemonOptions {
  readonly loaded: LoadedConfig
  /** The configuration file's name. */
  readonly file: string
  readonly version: string
  readonly notifier: Notifier
  /** A supervisor started it, and is to restart it. */
  readonly supervised: boolean
}

export interface Daemon {
  /** Resolves when it runs. Rejects with why it doesn't: `ABORT_ERR` if it was told to stop meanwhile. */
  readonly ready: Promise<void>
  /** Resolves when everything is closed. Rejects then with what ended it, if that was a failure. */
  readonly ended: Promise<void>
  /** A thread of the Grimsel hasn't come back: an ordinary exit would wait for it. */
  readonly isStuck: boolean
  /**
   * Takes nothing new, copies what moves, for 20 s at most, and closes everything.
   * @param now What moves isn't waited for: the next start goes on with it.
   */
  stop(now: boolean): void
  reopenLog(): void
  /** The last line of the log, before the process ends with an error that nobody expected. */
  crash(error: unknown): void
}

/** Bytes of a request: a thousand paths, however long, in Base64. */
const maxLine = 6 * 1024 * 1024
/** Milliseconds for what moves. */
const drainTime = 20_000
/** Milliseconds that closing one part may take: a thread in a dead file system must not hold up the others. */
const closeTime = 5000
/** Milliseconds between two lines for the supervisor. */
const summaryInterval = 5000

/** Begins at once; see {@link Daemon.ready}. */
export function runDaemon({ loaded, file, version, notifier, supervised }: DaemonOptions): Daemon {
  const { config, notes } = loaded
  const started = Date.now()
  /** What is open, and how it is closed: the last first. */
  const open: { readonly name: string; close(): unknown }[] = []
  const starting = new AbortController()
  const hurry = new AbortController()
  let phase: Phase = 'starting'
  let log: Log | undefined
  let grimsel: Grimsel | undefined
  let pipe: DaemonPipe | undefined
  let ports: { readonly status?: Port; readonly messages?: Port } = {}
  let failure: { readonly error: unknown } | undefined
  /** The user who had it stopped, by the control socket. */
  let stopper: number | undefined
  let isStuck = false
  let end = (): void => {}
  const asked = new Promise<void>((resolve) => {
    end = resolve
  })

  // ---- What others ask ---------------------------------------------------------------------------------------------

  function opened(): Grimsel {
    if (phase === 'running' && grimsel !== undefined) return grimsel
    throw new SustenError(`Grimsel is ${phase}; try again later`, { code: 'ERR_SUSTEN_CLOSED' })
  }

  function announceHere(paths: readonly ByteString[]): Promise<readonly RefusedPath[]> {
    if (grimsel === undefined) throw new TypeError('announced before it was opened')
    return announce(grimsel, config.bufferDirectory, paths)
  }

  function status(): DaemonStatus {
    const { paths = 0, bad = {} } = pipe?.file.counters ?? {}
    const refused = pipe?.refused ?? 0
    return {
      phase,
      pid: process.pid,
      version,
      config: file,
      started,
      supervised,
      ports: { status: ports.status?.addresses ?? [], messages: ports.messages?.addresses ?? [] },
      pipe: { path: config.filePipe, announced: Math.max(0, paths - refused), refused, bad },
      logLinesLost: log?.lost ?? 0,
      ...(grimsel === undefined ? {} : { grimsel: grimsel.status() }),
    }
  }

  const methods = methodsOf({
    status,
    grimsel: opened,
    async announce(paths) {
      opened()
      return announceHere(paths)
    },
    find: async (paths) => find(opened(), config.bufferDirectory, paths),
    note: (method, uid, fields) =>
      log?.info({ event: method, by: uid, ...fields }, `${method}, asked for by uid ${uid}`),
    stop,
  })

  // ---- Starting ----------------------------------------------------------------------------------------------------

  async function start(): Promise<void> {
    // First: it is the lock that keeps a second daemon away, and tells who asks that this one is starting.
    const control = await asOf(
      'control_socket',
      openControl({ path: config.controlSocket, methods, maxLine, onRefused }),
    )
    open.push({ name: 'control socket', close: () => control.close() })
    open.push({ name: 'pid file', close: writePidFile(pidFileOf(control.path)) })
    const { logfile: path, logfileMaxSize: maxSize, logfileMaxNumber: maxNumber } = config
    const lines = await asOf('logfile', openLog({ path, maxSize, maxNumber }))
    log = lines
    open.push({ name: 'log', close: () => lines.close() })
    lines.info({ event: 'start', version, config: file }, `Grimsel ${version} starts`)
    for (const { text, position } of notes) lines.warn({ event: 'config', line: position?.line }, text)
    const messages = await openMessagePort(portOptions(config.messagePort, lines))
    open.push({ name: 'message port', close: () => messages.close() })
    const query = () => statusEntries(opened().status())
    const answers = await openStatusPort({ ...portOptions(config.statusPort, lines), query })
    open.push({ name: 'status port', close: () => answers.close() })
    ports = { status: answers, messages }
    const opening = await Grimsel.open({ ...grimselOptions(config), signal: starting.signal }).catch(
      (error: unknown) => {
        throw blamed(config, error)
      },
    )
    grimsel = opening
    open.push({ name: 'Grimsel', close: () => closeGrimsel(opening, lines) })
    report(opening, config, lines, messages, fail)
    warnOfMountpoints(config, opening, lines)
    const reading = await asOf('file_pipe', openDaemonPipe(config.filePipe, announceHere, lines))
    pipe = reading
    reading.file.closed.catch(fail)
    open.push({ name: 'file pipe', close: () => reading.file.close().catch(() => {}) })
    if (starting.signal.aborted) throw stopped()
    phase = 'running'
    open.push({
      name: 'watchdog',
      close: startWatchdog(
        notifier,
        createProgress(() => opening.status()),
      ),
    })
    open.push({ name: 'summary', close: tellSummaries(opening) })
    notifier.ready()
    const { addresses: status_port } = answers
    const { addresses: message_port } = messages
    lines.info({ event: 'ready', status_port, message_port, ms: Date.now() - started }, 'Grimsel runs')
  }

  function portOptions(port: number, lines: Log) {
    const onError = (error: unknown) => lines.error({ event: 'port', port, err: error }, `port ${port}`)
    return { host: config.bindAddresses, port, onError }
  }

  function onRefused(caller: Peer | undefined, error: SustenError): void {
    log?.warn({ event: 'caller', uid: caller?.uid, by: caller?.pid, err: error }, 'a caller was turned away')
  }

  function tellSummaries(of: Grimsel): () => void {
    const tell = (): void => notifier.status(summaryOf(of.status()))
    tell()
    const timer = setInterval(tell, summaryInterval).unref()
    return () => clearInterval(timer)
  }

  // ---- Ending ------------------------------------------------------------------------------------------------------

  function stop(now: boolean, by?: number): void {
    stopper ??= by
    if (now) hurry.abort()
    // The Grimsel was opened with this signal: later it would stop it at once.
    if (phase === 'starting') starting.abort(stopped())
    end()
  }

  /** It can't go on. */
  function fail(error: unknown): void {
    if (failure !== undefined || phase === 'stopping') return
    failure = { error }
    log?.error({ event: 'failure', err: error }, "Grimsel can't go on")
    stop(true)
  }

  async function live(): Promise<void> {
    try {
      await ready
      await asked
    } catch (error) {
      failure ??= { error }
      if (!starting.signal.aborted) log?.error({ event: 'failure', err: error }, "Grimsel didn't start")
    }
    phase = 'stopping'
    notifier.stopping()
    log?.info({ event: 'stop', by: stopper, now: hurry.signal.aborted }, 'Grimsel stops')
    for (const { name, close } of open.reverse()) {
      if (name === 'log') log?.info({ event: 'end' }, 'Grimsel has stopped')
      await within(name, close)
    }
    notifier.close()
    if (failure !== undefined) throw failure.error
  }

  /** Closes one part; what goes wrong there is noted, and the next one's turn comes. */
  async function within(name: string, close: () => unknown): Promise<void> {
    const limit = name === 'Grimsel' || name === 'file pipe' ? drainTime + closeTime : closeTime
    const over = new AbortController()
    try {
      const late = sleep(limit, true, { signal: over.signal }).catch(() => false)
      const isLate = await Promise.race([Promise.resolve(close()).then(() => false), late])
      isStuck ||= isLate && name === 'Grimsel'
      if (isLate) log?.error({ event: 'stuck', part: name }, `closing took more than ${limit / 1000} s: ${name}`)
    } catch (error) {
      log?.error({ event: 'closing', part: name, err: error }, `closing failed: ${name}`)
    } finally {
      over.abort()
    }
  }

  async function closeGrimsel(of: Grimsel, lines: Log): Promise<void> {
    const stopNow = (): void => void of.close('stop').catch(() => {})
    const timer = setTimeout(() => {
      lines.warn({ event: 'drain' }, `not all was copied within ${drainTime / 1000} s; the next start goes on with it`)
      stopNow()
    }, drainTime)
    hurry.signal.addEventListener('abort', stopNow, { once: true })
    try {
      await of.close(hurry.signal.aborted ? 'stop' : 'drain')
    } finally {
      clearTimeout(timer)
      hurry.signal.removeEventListener('abort', stopNow)
    }
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
      log?.fatal({ event: 'crash', err: error }, 'Grimsel ends: an error that nobody expected')
    },
  }
}

const stopped = (): SustenError =>
  new SustenError('ABORT_ERR: it was told to stop while it started', { code: 'ABORT_ERR' })

/** The fill state of the internal storage is that of its target's file system: another mount point is a mistake. */
function warnOfMountpoints({ storages }: GrimselConfig, grimsel: Grimsel, log: Log): void {
  for (const { id, mountpoint } of storages) {
    const found = grimsel.status().storages.find((storage) => storage.id === id)?.volume?.mountPoint
    if (mountpoint === undefined || found === undefined || found === mountpoint) continue
    const text = `storage '${id}': its target lies on ${found}, whose fill state is read, not on its mountpoint ${mountpoint}`
    log.warn({ event: 'config', storage: id }, text)
  }
}
