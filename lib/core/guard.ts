/** Asks the policy, and holds its answers to the promises: what breaks one is dropped and reported. */
import type { ByteString } from '../bytes.js'
import { textOfBytes } from '../bytes.js'
import type { PolicyCopiedFile, PolicyFile, PolicyShift, PolicyStorage, PolicyTier, Release } from '../policy/index.js'
import { textOfThrown } from '../thrown.js'
import { backoff } from './backoff.js'
import { say } from './messages.js'
import type { CopyRecord, FileRecord } from './record.js'
import type { State, StorageState } from './state.js'
import { mountPointOf, type TierState } from './tier-state.js'

/** Longest wait that a policy may ask for, and the shortest that it gets, in milliseconds. */
const longestWait = 3_600_000
const shortestWait = 10

type Asked = Pick<FileRecord, 'path' | 'cut' | 'shift' | 'announced'>

/** Ids of the storages that a file must go to. Never empty, and each is configured. */
export function chooseStorages(state: State, file: Asked): readonly string[] {
  const { policy, storages } = state.config
  const all = storages.map(({ id }) => id)
  if (policy.storages === undefined) return all
  const given = ask(state, file, 'storages', () => policy.storages?.(viewFile(file), state.storages.map(viewStorage)))
  if (given === undefined) return all
  const answer = ask(state, file, 'storages', () => given.map((id) => `${id}`))
  if (answer === undefined) return all
  const chosen = all.filter((id) => answer.includes(id))
  const unknown = answer.find((id) => !state.byId.has(id))
  if (unknown !== undefined) dropped(state, file, 'unknown', `there is no storage '${unknown}'`, undefined)
  return chosen.length > 0 ? chosen : dropped(state, file, 'none', 'the file would go to no storage', all)
}

/** Milliseconds until the next attempt, or `give-up`. */
export function retryDelay(
  state: State,
  storage: StorageState,
  record: FileRecord,
  code: string,
  attempts: number,
): number | 'give-up' {
  const { policy, retry } = state.config
  const proposed = attempts >= retry.attempts ? 'give-up' : backoff(attempts, retry.first, retry.max, record.seq)
  if (policy.retry === undefined) return proposed
  const attempt = { file: viewFile(record), storage: viewStorage(storage), code, attempts, proposed } as const
  const answer = ask(state, record, 'retry', () => policy.retry?.(attempt))
  if (answer === undefined || answer === 'give-up') return answer ?? proposed
  if (typeof answer === 'number' && answer >= 0 && answer <= longestWait) return Math.max(shortestWait, answer)
  const given = typeof answer === 'number' ? `a wait of ${answer}` : `a wait that is a ${typeof answer}`
  return dropped(state, record, 'wait', `${given} is not 0…${longestWait} milliseconds`, proposed)
}

/**
 * Whether and when a tier may give a file back that it could give back safely. Undefined: the policy has no opinion.
 * @param accessed When it was last read, if that is known.
 */
export function releaseOf(
  state: State,
  tier: TierState,
  record: FileRecord,
  accessed: number | undefined,
): Release | undefined {
  const { policy } = state.config
  if (policy.release === undefined) return undefined
  const answer = ask(state, record, 'release', () =>
    readOnce(policy.release?.(viewCopied(tier, record, accessed), viewTier(tier))),
  )
  if (answer === undefined || isRelease(answer)) return answer
  return dropped(state, record, 'release', `its release() gave an answer that isn't one`, undefined)
}

/** What a policy asked for would break the rule: links lead to the file. */
export function overruledDelete(state: State, record: FileRecord): void {
  dropped(state, record, 'delete', 'links lead to the file, so one takes its place instead of nothing', undefined)
}

/** Whether a tier is cleared of a shift's files. Asked once, when the shift ends. */
export function clearsAtEnd(state: State, tier: TierState, shift: PolicyShift): boolean {
  const { policy } = state.config
  if (policy.shiftEnd === undefined) return false
  const about = { path: mountPointOf(state, tier), cut: 0, shift: shift.number, announced: shift.started }
  const answer = ask(state, about, 'shiftEnd', () => policy.shiftEnd?.(shift, viewTier(tier)))
  if (answer === undefined || answer === 'clear' || answer === 'keep') return answer === 'clear'
  return dropped(state, about, 'shiftEnd', `its shiftEnd() answered neither 'clear' nor 'keep'`, false)
}

type Answer = { readonly when?: unknown; readonly by?: unknown; readonly order?: unknown }

/** An answer that isn't plain could be another one each time that it is read. */
function readOnce(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null || isThenable(answer)) return answer
  const { when, by, order } = answer as Answer
  return order === undefined ? { when, by } : { when, by, order }
}

function isRelease(answer: unknown): answer is Release {
  if (typeof answer !== 'object' || answer === null) return false
  const { when, by, order } = answer as Answer
  if (when === 'never') return true
  const isBy = by === 'link' || by === 'delete'
  return (when === 'copied' || when === 'full') && isBy && (order === undefined || Number.isFinite(order))
}

function ask<T>(state: State, file: Asked, method: string, call: () => T): T | undefined {
  try {
    const answer = call()
    if (!isThenable(answer)) return answer
    // Nobody waits for it; what it ends with must not end the process.
    Promise.resolve(answer).catch(() => {})
    return dropped(state, file, method, `its ${method}() answered with a promise; it must answer at once`, undefined)
  } catch (error) {
    return dropped(state, file, method, `its ${method}() threw ${textOfThrown(error)}`, undefined)
  }
}

const isThenable = (answer: unknown): answer is PromiseLike<unknown> =>
  typeof answer === 'object' && answer !== null && 'then' in answer && typeof answer.then === 'function'

/** @param reason Few kinds: messages of one kind are told together. */
function dropped<T>(state: State, file: Asked, reason: string, why: string, instead: T): T {
  say(state, {
    code: 'POLICY',
    severity: 'warning',
    subject: file.path,
    text: `Policy '${state.config.policy.name}' was overruled on ${textOfBytes(file.path)}: ${why}`,
    reason,
  })
  return instead
}

function viewFile(file: Asked): PolicyFile {
  return {
    path: textOfBytes(file.path),
    replicated: textOfBytes(file.path.slice(file.cut) as ByteString),
    shift: file.shift,
    announced: file.announced,
  }
}

function viewCopied(tier: TierState, record: FileRecord, accessed: number | undefined): PolicyCopiedFile {
  const { path, cut, shift, announced, copies } = record
  const copied = copies.every(isCopied) ? copies : copies.filter(isCopied)
  const durable = copied.map(({ storage }) => storage)
  const version = (copied.find(({ storage }) => storage === tier.config.next) ?? copied[0])?.source
  const text = textOfBytes(path)
  const replicated = cut === 0 ? text : textOfBytes(path.slice(cut) as ByteString)
  const modified = version === undefined ? 0 : Number(version.mtimeNs / 1_000_000n)
  const size = version === undefined ? 0 : version.size
  return { path: text, replicated, shift, announced, size, modified, accessed: accessed ?? modified, durable }
}

const isCopied = ({ state }: CopyRecord): boolean => state === 'copied'

function viewTier({ config, volume }: TierState): PolicyTier {
  const { id, next, limit, createLinks } = config
  return { id, next, fill: volume === undefined ? 0 : Math.max(volume.fill, volume.inodeFill), limit, createLinks }
}

function viewStorage(storage: StorageState): PolicyStorage {
  const { id, type } = storage.config
  const available = storage.mode === 'up'
  return storage.volume === undefined ? { id, type, available } : { id, type, available, fill: storage.volume.fill }
}
