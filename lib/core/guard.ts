/** Asks the policy, and holds its answers to the promises: what breaks one is dropped and reported. */
import type { ByteString } from '../bytes.js'
import { textOfBytes } from '../bytes.js'
import type { PolicyFile, PolicyStorage } from '../policy/index.js'
import { textOfThrown } from '../thrown.js'
import { backoff } from './backoff.js'
import { say } from './messages.js'
import type { FileRecord } from './record.js'
import type { State, StorageState } from './state.js'

/** Longest wait that a policy may ask for, and the shortest that it gets, in milliseconds. */
const longestWait = 3_600_000
const shortestWait = 10

type Asked = Pick<FileRecord, 'path' | 'cut' | 'shift' | 'announced'>

/** Ids of the storages that a file must go to. Never empty, and each is configured. */
export function chooseStorages(state: State, file: Asked): readonly string[] {
  const { policy, storages } = state.config
  const all = storages.map((storage) => storage.id)
  if (policy.storages === undefined) return all
  const answer = ask(state, file, 'storages', () =>
    policy.storages?.(viewFile(file), state.storages.map(viewStorage)).map((id) => `${id}`),
  )
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

function ask<T>(state: State, file: Asked, method: string, call: () => T): T | undefined {
  try {
    return call()
  } catch (error) {
    return dropped(state, file, method, `its ${method}() threw ${textOfThrown(error)}`, undefined)
  }
}

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

function viewStorage(storage: StorageState): PolicyStorage {
  const { id, type } = storage.config
  const available = storage.mode === 'up'
  return storage.volume === undefined ? { id, type, available } : { id, type, available, fill: storage.volume.fill }
}
