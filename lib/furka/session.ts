/** A Furka from its opening to its end. */
import { setMaxListeners } from 'node:events'
import type { ByteString } from '../bytes.js'
import { createClock, untilAfter } from '../clock.js'
import { abortError } from '../engine/index.js'
import { SustenError } from '../errors.js'
import type { Journal } from '../journal/index.js'
import { checkWord } from '../options.js'
import { createWaiting } from '../waiting.js'
import { contentsBeside, listOnce } from './beside.js'
import {
  type CoreConfig,
  createState,
  type Failure,
  isDrained,
  isIdle,
  type Notice,
  type Order,
  runningTurn,
  type State,
} from './core/index.js'
import { absentTarget, closedError } from './failures.js'
import type { OpenedJournal } from './journal.js'
import { createHandingOver, type Link, openLink } from './link/index.js'
import { type Looks, lookAtSources } from './looks.js'
import type { CompleteFurkaOptions } from './options.js'
import { shownTarget } from './place.js'
import { findMissing } from './present.js'
import { readSource } from './reading.js'
import { createReceiver } from './receive/index.js'
import { removeFiles } from './removing.js'
import { createShell, type Shell } from './shell.js'
import { createFigures, type OpenSource } from './sources.js'
import { openTargets } from './targets.js'
import { createTelling, type Telling } from './telling.js'
import { watchUnsettled } from './unsettled.js'
import type { FurkaUser } from './user.js'
import { within } from './within.js'

/** Milliseconds for which others may take their time to close, and sources to tell what they had seen before a change. */
const closeTime = 5000
const settleTime = 4000

/** A Furka under way. */
export interface Session {
  readonly journal: Journal
  readonly shell: Shell
  readonly state: State
  readonly telling: Telling
  readonly sources: ReadonlyMap<string, OpenSource>
  readonly link: Link | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Who asks for something must learn that it won't be done. @throws SustenError `ERR_SUSTEN_CLOSED`; the journal's */
  checkOpen(): void
  changeUser(user: FurkaUser): Promise<void>
  idle(signal?: AbortSignal): Promise<void>
  close(mode?: 'drain' | 'stop'): Promise<void>
}

/** Goes on with what the journal has kept, and begins to read the sources. The session closes them, and the journal. */
export async function openSession(
  options: CompleteFurkaOptions,
  { journal, stored, claim }: OpenedJournal,
): Promise<Session> {
  const now = createClock()
  const state = createState(coreConfig(options), now(), stored, options.user ?? options.defaultUser)
  const telling = createTelling()
  const link = options.grimsel && openLink(options.grimsel)
  const sources = new Map<string, OpenSource>()
  const stopping = new AbortController()
  const { signal } = stopping
  setMaxListeners(0, signal)
  let closing: 'drain' | 'stop' | undefined
  let closed: Promise<void> | undefined
  let failure: { readonly error: unknown } | undefined
  /** What was received until then has been looked for: decisions may rely on it. */
  let begun = false
  /** There was something to do since idleness was last told. */
  let worked = false
  let changing: Promise<void> = Promise.resolve()
  /** Changes of user before which sources had seen what they can't tell yet. */
  let unsettled = 0
  const { look: lookAll, until } = createWaiting(() => failure)

  const shell = createShell({
    state,
    journal,
    now,
    carryOut,
    tell,
    onFailure(error) {
      failure = { error }
      telling.emit('error', { type: 'error', error })
      close('stop').catch(() => {})
    },
    onProgress: look,
  })
  const report = shell.post
  const handingOver = link && createHandingOver({ link, confirm: options.confirm, signal, now, report })
  const targets = openTargets({
    targets: options.sources.map(({ target }) => target),
    requiredMount: options.requiredMount,
    tag: journal.id,
    onLook: seeTarget,
  })
  for (const { source, id, target, connections, stallTimeout, engine } of options.sources) {
    const place = targets.placeOf(target)
    const receiver = createReceiver({
      source,
      target,
      connections,
      stallTimeout,
      engine,
      tag: journal.id,
      mode: options.mode,
      directoryMode: options.directoryMode,
      identity: () => place.watch.identity,
      staging: place.staging,
      now,
      report,
      lookAtTarget: () => place.watch.refresh(),
    })
    sources.set(id, { source, target, stallTimeout, place, receiver, reading: undefined, figures: createFigures(now) })
  }
  const looks: Looks = lookAtSources({ sources, signal, onChange: look })
  const seen = watchUnsettled({ sources, state, shell, looks, now })

  function carryOut(order: Order): void {
    if (closing === 'stop') return
    switch (order.type) {
      case 'receive':
        return sources.get(order.source)?.receiver.receive(order.files)
      case 'seek':
        return sources.get(order.source)?.receiver.seek(order.files)
      case 'verify':
        return sources.get(order.source)?.receiver.verify(order.files)
      case 'remove': {
        const open = sources.get(order.source)
        if (open === undefined) return
        const { source, stallTimeout } = open
        return removeFiles(source, order.files, { stallTimeout, signal, now, report })
      }
      case 'announce':
        return handingOver?.announce(order)
      case 'tellUser':
        return handingOver?.tellUser(order)
      case 'ask':
        return handingOver?.ask(order)
    }
  }

  function tell(notice: Notice): void {
    if (notice.type === 'received') sources.get(notice.record.source)?.figures.count(notice.record)
    telling.tell(notice)
  }

  function look(): void {
    lookAll()
    const isDone = isIdle(state)
    worked ||= !isDone
    if (!worked || !isDone || !shell.settled) return
    worked = false
    telling.emit('idle', { type: 'idle' })
  }

  function checkOpen(): void {
    if (failure !== undefined) throw failure.error
    if (closing !== undefined) throw closedError()
  }

  // ---- Targets -----------------------------------------------------------------------------------------------------

  function seeTarget(root: ByteString, found: Failure | undefined, changed: boolean): void {
    if (!begun) return
    for (const [id, { target }] of sources) {
      if (target.root === root) report({ type: 'target', at: now(), source: id, failure: found })
    }
    if (changed) void lookForMissing(root)
  }

  /** What was received before another file system took its place isn't here any more. */
  async function lookForMissing(root?: ByteString): Promise<void> {
    function* records() {
      for (const { record } of state.files.values()) {
        if (root === undefined || sources.get(record.source)?.target.root === root) yield record
      }
    }
    for await (const seqs of findMissing(records())) {
      if (seqs.length > 0) report({ type: 'missing', at: now(), seqs })
    }
  }

  /** A file that was received by a process that ended may have displaced another one, of which nobody told. */
  async function lookBeside(): Promise<void> {
    const list = listOnce()
    for (const { record } of [...state.files.values()]) {
      if (record.here === undefined || record.announced) continue
      const also = await contentsBeside(record.here.path, false, list)
      if (also.length > 0) report({ type: 'beside', at: now(), seq: record.seq, also })
    }
  }

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
    if (closing !== 'stop' && begun) {
      report({ type: 'drain', at: now() })
      // What was decided before is carried out first.
      await shell.postDurably([]).catch(() => {})
      await until(() => closing === 'stop' || (unsettled === 0 && shell.settled && isDrained(state))).catch(() => {})
    }
    closing = 'stop'
    stopping.abort()
    seen.close()
    look()
    for (const { reading } of sources.values()) reading?.close()
    await Promise.all([
      ...[...sources.values()].map(({ receiver }) => receiver.close()),
      ...[...sources.values()].map(({ source }) => inTime(() => source.close())),
      ...(link === undefined ? [] : [inTime(() => link.close())]),
    ])
    await targets.close()
    await until(() => shell.settled).catch(() => {})
    shell.stop()
    try {
      await journal.close()
    } finally {
      look()
      telling.streams.end()
    }
  }

  /** One after the other: each has its own line between what came before and after. */
  function changeUser(user: FurkaUser): Promise<void> {
    const change = changing.then(async () => {
      checkOpen()
      await looks.soon()
      checkOpen()
      let since = 0
      const silent = await seen.note((asked, { length }) => {
        since = asked
        return { type: 'userChange', at: now(), since, user, unsettled: length > 0 }
      })
      if (silent.length > 0) {
        unsettled += 1
        const settled = settle(silent, since).finally(() => {
          unsettled -= 1
          look()
        })
        await inTime(() => settled, settleTime)
      }
      await untilAfter(since, now)
    })
    changing = change.catch(() => {})
    return change
  }

  /** What sources had seen before is told, and durable as the former user's: no restart gives it to the next one. */
  async function settle(silent: readonly OpenSource[], before: number): Promise<void> {
    await looks.told(silent)
    if (!signal.aborted) await shell.postDurably([{ type: 'settled', at: now(), before }])
  }

  const stop = (): void => void close('stop').catch(() => {})
  options.signal?.addEventListener('abort', stop, { once: true })

  await opened()
  // Who opened it listens from the next turn on, at the latest.
  setImmediate(beginTelling)

  function beginTelling(): void {
    telling.begin()
    shell.beginTelling()
  }

  /** Targets must be there at first: what was received can't be looked for otherwise. */
  async function opened(): Promise<void> {
    try {
      for (const { root, watch } of targets.all) {
        const absent = await watch.refresh()
        if (absent !== undefined) throw asError(absentTarget(root, absent))
      }
      // Only now: a target that was mistyped doesn't take the journal.
      await claim()
      await Promise.all(targets.all.map(({ staging }) => staging.sweep()))
      await lookForMissing()
      await lookBeside()
      begun = true
      await shell.postDurably([])
      if (options.signal?.aborted) throw abortError(options.signal)
      for (const source of sources.values()) {
        source.reading = readSource({
          source: source.source,
          now,
          report,
          waiting: () => shell.waiting,
          onQuiet: look,
        })
      }
      const { user } = options
      // What is complete at the sources by now was made for whose turn it was.
      if (user !== undefined && !isSame(user, runningTurn(state).user)) await changeUser(user)
    } catch (error) {
      await close('stop')
      throw error
    }
  }

  return {
    journal,
    shell,
    state,
    telling,
    sources,
    link,
    now,
    checkOpen,
    changeUser,
    async idle(signal) {
      if (closing !== undefined && !isIdle(state)) throw closedError()
      if (closing !== undefined) return
      const whole = looks.whole()
      try {
        await until(() => (whole.done && shell.settled && isIdle(state)) || closing !== undefined, signal)
      } finally {
        whole.end()
      }
      if (!isIdle(state)) throw closedError()
    },
    close,
  }
}

function coreConfig({ sources, grimsel, confirm }: CompleteFurkaOptions): CoreConfig {
  const place = grimsel === undefined || grimsel.by === 'process' ? 'Grimsel' : grimsel.path
  return {
    sources: sources.map(({ id, target, connections }) => ({ id, target: shownTarget(target), connections })),
    grimsel: grimsel === undefined ? 'none' : grimsel.by === 'pipe' ? 'listens' : 'answers',
    grimselPlace: place,
    confirm,
  }
}

const isSame = (a: FurkaUser, b: FurkaUser): boolean =>
  a.uid === b.uid && a.gid === b.gid && a.userDirectory === b.userDirectory

const asError = ({ code, errno, syscall, text }: Failure): SustenError =>
  new SustenError(text, { code, errno: -errno || 0, syscall })

/** Other people's code may never come back, and what it throws then is of no use to anyone. */
async function inTime(work: () => Promise<void>, timeout = closeTime): Promise<void> {
  try {
    await within(Promise.resolve(work()), { timeout, what: 'end' })
  } catch {
    // It is done as far as can be.
  }
}
