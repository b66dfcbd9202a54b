/** A file's way from stage to stage, and what is counted on it. */
import { backoff } from '../../core/backoff.js'
import type { Confirm } from '../types.js'
import { push } from './queue.js'
import type { Failure, FileRecord } from './record.js'
import type { File, Source, Stage, State } from './state.js'
import { isTold } from './turns.js'

/** Begins the keys of files in the journal; their seq follows. */
export const fileKeys = 'file:'

/** Milliseconds: the first wait after a failure, and the longest. */
const FIRST_WAIT = 100
const LONGEST_WAIT = 30_000

/** Milliseconds that a source has to offer anew what was offered before the start: then it is asked for it unoffered. */
const PATIENCE = 30_000

/** Adds a file that came up just now, or was in the journal. It is in no queue yet. */
export function addFile(state: State, source: Source, record: FileRecord): File {
  const file: File = {
    record,
    source,
    stage: 'receive',
    busy: false,
    attempts: 0,
    failure: undefined,
    queue: undefined,
    due: 0,
    mark: 0,
    next: undefined,
    seen: undefined,
    gone: false,
    again: false,
    tried: false,
    announcing: undefined,
    verified: Number.NEGATIVE_INFINITY,
  }
  state.files.set(record.seq, file)
  state.seq = Math.max(state.seq, record.seq)
  if (!record.withdrawn) source.files.set(record.offer.name, file)
  if (record.here !== undefined) state.byPath.set(record.here.path, file)
  count(state.members, record.turn, 1)
  count(state.owing, record.turn, 1)
  source.counts.receive += 1
  return file
}

/** The file of a result; `undefined` if nobody waits for that any more. */
export function inHand(state: State, seq: number, stage: Stage): File | undefined {
  const file = state.files.get(seq)
  return file?.busy && file.stage === stage ? file : undefined
}

/** Has the journal keep a file as it is now. Its turn can't be another one. */
export function put(state: State, file: File, record: FileRecord): void {
  forgetPath(state, file)
  file.record = record
  if (record.here !== undefined && !state.byPath.has(record.here.path)) state.byPath.set(record.here.path, file)
  state.out.ops.push({ type: 'set', key: `${fileKeys}${record.seq}`, value: record })
  file.mark = state.issued + state.out.ops.length
}

/** Nothing is left to be done with a file. */
export function drop(state: State, file: File): void {
  const { record, source, stage } = file
  leave(file)
  setFailure(file, undefined)
  source.counts[stage] -= 1
  if (isOwing(stage)) count(state.owing, record.turn, -1)
  count(state.members, record.turn, -1)
  state.files.delete(record.seq)
  forgetPath(state, file)
  detach(file)
  state.out.ops.push({ type: 'set', key: `${fileKeys}${record.seq}`, value: undefined })
}

function forgetPath(state: State, file: File): void {
  const path = file.record.here?.path
  if (path !== undefined && state.byPath.get(path) === file) state.byPath.delete(path)
}

/** The source has this version no more: another one of the name may come. */
export function detach(file: File): void {
  const { files } = file.source
  if (files.get(file.record.offer.name) === file) files.delete(file.record.offer.name)
}

/** Puts a file where what is known of it says. */
export function settle(state: State, file: File): void {
  const { here, also, announced, safe, withdrawn, unnoted, offer } = file.record
  const isOwed = state.config.grimsel !== 'none' && (also !== undefined || (here !== undefined && !announced))
  if (here === undefined && !withdrawn) enter(state, file, 'receive')
  else if (unnoted && state.config.grimsel !== 'none') enter(state, file, 'seek')
  else if (isOwed) enter(state, file, 'announce')
  else if (withdrawn) drop(state, file)
  else if (!reaches(safe ?? 'buffer', state.config.confirm)) enter(state, file, 'confirm', firstQuestion(state, file))
  else if (!offer.exact && !isVerified(state, file)) enter(state, file, 'verify')
  else enter(state, file, 'remove')
}

const tiers = ['buffer', 'internal', 'external'] as const satisfies Confirm[]

/** Whether what is durable on a tier is safe where another one is asked for. */
const reaches = (tier: Confirm, confirm: Confirm): boolean => tiers.indexOf(tier) >= tiers.indexOf(confirm)

/** Milliseconds for which a comparison counts. */
const FRESH = 1000

/** Whether what the source has under a version that doesn't tell was found to be what is here, just now. */
export const isVerified = (state: State, { verified }: File): boolean => verified > state.now - FRESH

/** Nothing is copied at once: who asks too early asks twice. */
const firstQuestion = (state: State, file: File): number => (file.stage === 'announce' ? state.now + 50 : 0)

/** Begins a stage, or goes on with it. @param due Not before then. */
export function enter(state: State, file: File, stage: Stage, due = 0): void {
  leave(file)
  if (file.stage !== stage) {
    const { source, record } = file
    source.counts[file.stage] -= 1
    source.counts[stage] += 1
    if (isOwing(file.stage) !== isOwing(stage)) count(state.owing, record.turn, isOwing(stage) ? 1 : -1)
    file.stage = stage
    file.attempts = 0
    setFailure(file, undefined)
  }
  if (due > state.now) {
    file.due = due
    state.later.push({ at: due, file })
  } else queue(state, file)
}

/** To be received; if the source hasn't offered it since the start, it has time to do so. */
export function defer(state: State, file: File): void {
  enter(state, file, 'receive', file.seen === undefined ? state.now + PATIENCE : 0)
}

/** Keeps the turn of a record whose source isn't there now. */
export function holdTurn(state: State, { seq, turn }: FileRecord): void {
  state.seq = Math.max(state.seq, seq)
  count(state.members, turn, 1)
}

/** An attempt failed; the next one comes after ever longer waits. */
export function failed(state: State, file: File, failure: Failure, first = FIRST_WAIT, longest = LONGEST_WAIT): void {
  file.attempts += 1
  file.tried = true
  setFailure(file, failure)
  enter(state, file, file.stage, state.now + backoff(file.attempts, first, longest, file.record.seq))
}

/** Its command is given out. */
export function begin(file: File): void {
  const { source, stage } = file
  file.busy = true
  if (stage === 'receive') source.receiving += 1
  if (stage === 'receive' || stage === 'verify') source.transfers += 1
  if (stage === 'seek') source.seeks += 1
  if (stage === 'remove') source.removals += 1
  if (stage === 'announce') file.announcing = file.record.here?.path
}

/** Whose time has come is put in its queue. */
export function wakeFiles(state: State): void {
  for (let next = state.later.peek(); next !== undefined && next.at <= state.now; next = state.later.peek()) {
    state.later.pop()
    const { at, file } = next
    if (file.due !== at || state.files.get(file.record.seq) !== file) continue
    file.due = 0
    queue(state, file)
  }
}

function setFailure(file: File, failure: Failure | undefined): void {
  file.source.failing += (failure === undefined ? 0 : 1) - (file.failure === undefined ? 0 : 1)
  file.failure = failure
}

export const isDurable = (state: State, file: File): boolean => file.mark <= state.durable

function queue(state: State, file: File): void {
  const { source, stage } = file
  if (stage === 'receive') push(source.receive, file)
  else if (stage === 'seek') push(source.seek, file)
  else if (stage === 'verify') push(source.verify, file)
  else if (stage === 'remove') push(source.remove, file)
  else if (stage === 'confirm') push(state.confirm, file)
  else if (stage === 'announce') push(isTold(state, file.record.turn) ? state.announce : state.held, file)
}

/** What it waited for, or was doing, is over. */
function leave(file: File): void {
  const { source, stage, busy } = file
  file.queue = undefined
  file.due = 0
  file.busy = false
  if (!busy) return
  if (stage === 'receive') source.receiving -= 1
  if (stage === 'receive' || stage === 'verify') source.transfers -= 1
  if (stage === 'seek') source.seeks -= 1
  if (stage === 'remove') source.removals -= 1
}

/** Grimsel doesn't have it yet, or may not. */
const isOwing = (stage: Stage): boolean => stage === 'receive' || stage === 'seek' || stage === 'announce'

export function count(counts: Map<number, number>, turn: number, change: number): void {
  const total = (counts.get(turn) ?? 0) + change
  if (total === 0) counts.delete(turn)
  else counts.set(turn, total)
}
