/**
 * Whether a storage can be copied to. It can while its file system is the one that it was at first, and copies
 * succeed. A storage that can't stops its own queue only; nothing of it is dropped, and it is tried for ever.
 */
import { textOfBytes } from '../bytes.js'
import { backoff } from './backoff.js'
import type { CoreEvent, VolumeReading } from './events.js'
import { storageFull } from './fill.js'
import { say } from './messages.js'
import type { Failure } from './record.js'
import type { State, StorageState } from './state.js'
import { rescanAll } from './tier-passes.js'
import { failureText, sourceName } from './wording.js'

type About<T extends CoreEvent['type']> = Extract<CoreEvent, { type: T }>

/** Its file system was read: the right one, or another in its place. */
export function volumeRead(state: State, event: About<'volume'>): void {
  const storage = state.byId.get(event.storage)
  if (storage === undefined) return
  const { volume } = event
  if (storage.accepting && unfit(storage, volume) === undefined) adopt(state, storage, volume)
  const failure = unfit(storage, volume) ?? exchanged(storage, volume)
  if (failure !== undefined) {
    unreachable(state, storage, failure, volume)
    return
  }
  if (hasRoomAgain(storage, volume)) storage.retryAt = Math.min(storage.retryAt, state.now)
  storage.volume = volume
  storage.reachable = true
  if (storage.identity === undefined) identify(state, storage, volume)
  if (storage.mode === 'unknown') {
    turn(state, storage, 'up', undefined)
    welcome(state, storage)
  }
  recover(state, storage)
}

/** Somebody has made room on a storage that was full: it needn't wait for its next trial. */
function hasRoomAgain({ failure, volume: before }: StorageState, now: VolumeReading): boolean {
  if (failure?.code !== 'ENOSPC' || before === undefined) return false
  return now.available > before.available + now.total / 100 || now.inodesAvailable > before.inodesAvailable + 1000
}

/** Its file system could not be read. */
export function volumeLost(state: State, event: About<'unavailable'>): void {
  const storage = state.byId.get(event.storage)
  if (storage !== undefined) unreachable(state, storage, event.failure)
}

/** From the next reading on, the file system that is there is the storage. */
export function accept(state: State, event: About<'accept'>): void {
  const storage = state.byId.get(event.storage)
  if (storage !== undefined) storage.accepting = true
}

/** Why copies can't go to this file system, whichever it is. */
function unfit(storage: StorageState, volume: VolumeReading): Failure | undefined {
  const { target, mountPoint } = storage.config
  if (mountPoint !== undefined && volume.mountPoint !== mountPoint) {
    return { code: 'ERR_SUSTEN_STORAGE', errno: 0, syscall: 'mountPoint', path: mountPoint }
  }
  return volume.readOnly ? { code: 'EROFS', errno: 30, syscall: 'statvfs', path: target } : undefined
}

function exchanged(storage: StorageState, volume: VolumeReading): Failure | undefined {
  if (storage.identity === undefined || storage.identity === volume.identity) return undefined
  const syscall = placeOf(storage.identity) === placeOf(volume.identity) ? 'identity' : 'mount'
  return { code: 'ERR_SUSTEN_STORAGE', errno: 0, syscall, path: storage.config.target }
}

function adopt(state: State, storage: StorageState, volume: VolumeReading): void {
  storage.accepting = false
  if (volume.identity === storage.identity) return
  storage.identity = undefined
  say(state, {
    code: 'STORAGE_ACCEPTED',
    severity: 'info',
    storage: storage.config.id,
    subject: storage.config.target,
    text: `Storage '${storage.config.id}' is the ${volume.fsType} at ${textOfBytes(storage.config.target)} from now on`,
  })
}

function identify(state: State, storage: StorageState, volume: VolumeReading): void {
  storage.identity = volume.identity
  state.out.identities = true
}

function unreachable(state: State, storage: StorageState, failure: Failure, volume?: VolumeReading): void {
  storage.reachable = false
  if (storage.mode === 'down' && storage.failure !== undefined && kindOf(storage.failure) === kindOf(failure)) return
  fall(state, storage, failure, volume)
}

/** What is told apart: two failures of one kind are one piece of news. */
function kindOf({ code, syscall }: Failure): string {
  return code === 'ERR_SUSTEN_STORAGE' ? `${code} ${syscall}` : code
}

/**
 * Copies failed for a reason that concerns the whole storage.
 * @param epoch When the failed copy was sent off: if before the last such failure, it says nothing new.
 */
export function troubled(state: State, storage: StorageState, failure: Failure, epoch: number): void {
  if (epoch !== storage.epoch) return
  const { first, max } = state.config.retry
  storage.strikes += 1
  storage.suspect = true
  storage.retryAt = state.now + backoff(storage.strikes, first, max, storage.index)
  if (failure.code === 'ENOSPC' && storage.failure?.code !== 'ENOSPC') storageFull(state, storage)
  fall(state, storage, failure)
}

function fall(state: State, storage: StorageState, failure: Failure, volume?: VolumeReading): void {
  turn(state, storage, 'down', failure)
  const text = why(storage, failure, volume)
  storage.failureText = text
  say(state, {
    code: 'STORAGE_UNAVAILABLE',
    severity: 'error',
    storage: storage.config.id,
    subject: storage.config.target,
    text: `Storage '${storage.config.id}' at ${textOfBytes(storage.config.target)} is unavailable: ${text}; its files wait`,
    reason: kindOf(failure),
  })
}

/** @param volume The file system that was read, if one was. */
function why(storage: StorageState, failure: Failure, volume: VolumeReading | undefined): string {
  if (failure.code !== 'ERR_SUSTEN_STORAGE' || volume === undefined) return failureText(failure)
  const here = textOfBytes(volume.mountPoint)
  if (failure.syscall === 'mountPoint') {
    const wanted = textOfBytes(failure.path)
    return `its target lies on the file system mounted at ${here}, not on one mounted at ${wanted}, as it must`
  }
  if (failure.syscall === 'mount') {
    return `its file system is not mounted; what is there now belongs to the one at ${here}; if that is meant, accept it as storage '${storage.config.id}'`
  }
  return `another file system was mounted at ${here} in its place; if the disk was exchanged, accept it as storage '${storage.config.id}'`
}

/** Where a file system is mounted, by the end of its identity. */
function placeOf(identity: string | undefined): string | undefined {
  return / at=(\S+)$/.exec(identity ?? '')?.[1]
}

/** A copy succeeded. If it was sent off since the last failure, the storage works. */
export function succeeded(state: State, storage: StorageState, epoch: number): void {
  storage.successes += 1
  if (epoch !== storage.epoch) return
  storage.strikes = 0
  storage.suspect = false
  if (storage.mode === 'probing') rise(state, storage)
}

/** Tries a storage again when it is time. Called whenever time may have passed. */
export function recover(state: State, storage: StorageState): void {
  if (storage.mode === 'down' && storage.reachable && state.now >= storage.retryAt) {
    if (storage.suspect) turn(state, storage, 'probing', storage.failure)
    else rise(state, storage)
  }
  if (storage.mode === 'probing' && storage.pending === 0) rise(state, storage)
}

/** When {@link recover} has something to do next. */
export function nextTrial(storage: StorageState): number {
  return storage.mode === 'down' && storage.reachable ? storage.retryAt : Number.POSITIVE_INFINITY
}

function rise(state: State, storage: StorageState): void {
  storage.suspect = false
  storage.strikes = 0
  turn(state, storage, 'up', undefined)
  welcome(state, storage)
  say(state, {
    code: 'STORAGE_BACK',
    severity: 'info',
    storage: storage.config.id,
    subject: storage.config.target,
    text: `Storage '${storage.config.id}' at ${textOfBytes(storage.config.target)} is available; its files go on`,
  })
}

/** Files may have become ones that can be released while this storage couldn't serve them. */
function welcome(state: State, storage: StorageState): void {
  for (const tier of state.tiers) if (tier.storage === storage || tier.below.includes(storage)) rescanAll(tier)
}

function turn(state: State, storage: StorageState, mode: StorageState['mode'], failure: Failure | undefined): void {
  // What is in flight was sent off under another opinion: its failures say nothing new, nor do its successes.
  if (mode !== storage.mode && mode !== 'up') storage.epoch += 1
  if (mode !== storage.mode && !(storage.mode === 'down' && mode === 'probing')) storage.since = state.now
  storage.mode = mode
  storage.failure = failure
  if (failure === undefined) storage.failureText = undefined
}

/** The source directory is gone: no copy is begun until it is back. */
export function sourceGone(state: State, failure: Failure): void {
  if (!state.sourceAvailable) return
  state.sourceAvailable = false
  const why = failure.code === 'ERR_SUSTEN_STORAGE' ? sourceElsewhere(failure) : failureText(failure)
  say(state, {
    code: 'SOURCE_UNAVAILABLE',
    severity: 'error',
    subject: state.config.source,
    text: `${sourceText(state)} is unavailable: ${why}; all files wait`,
    reason: failure.code,
  })
}

const sourceText = (state: State): string =>
  `${sourceName(state) === 'buffer' ? 'Buffer' : 'Source'} ${textOfBytes(state.config.source)}`

function sourceElsewhere({ syscall }: Failure): string {
  if (syscall === 'mount') return 'its file system is not mounted'
  const covered = 'another one was mounted over it; unmount that, its own files are below'
  return syscall === 'covered' ? covered : `its file system is not mounted, or ${covered}`
}

export function sourceChanged(state: State, event: About<'source'>): void {
  if (!event.available) {
    const unknown: Failure = { code: 'ENOENT', errno: 2, syscall: 'open', path: state.config.source }
    sourceGone(state, event.failure ?? unknown)
    return
  }
  if (state.sourceAvailable) return
  state.sourceAvailable = true
  // What could have left it meanwhile was passed over.
  const [buffer] = state.tiers
  if (buffer !== undefined) rescanAll(buffer)
  say(state, {
    code: 'SOURCE_BACK',
    severity: 'info',
    subject: state.config.source,
    text: `${sourceText(state)} is available; its files go on`,
  })
}
