/** Holds what Furka and Grimsel said against what really happened at the servers. Pure. */
import type { FurkaUser } from '../furka/index.js'
import type { ServedFile } from '../simulate/dcu/index.js'
import { contentsOf, type PlannedDetector } from './plan.js'
import type { ServerTruth } from './servers.js'
import type { FileKey, Reception, Tally } from './tally.js'
import type { Users } from './users.js'
import type { ExpectedContent, ExpectedFile } from './verify.js'

/** When the user changed: files that were complete before `from` are the first user's, after `to` the second's. */
export interface Change {
  readonly from: bigint
  readonly to: bigint
}

/** Something that must not be. */
export interface Failure {
  /** Below the buffer and the storages; before it was received: its name at the server. */
  readonly path: string
  readonly problem: string
}

export interface Judgement {
  /** What each user's files must be, wherever they are. */
  readonly expected: readonly [readonly ExpectedFile[], readonly ExpectedFile[]]
  readonly failures: readonly Failure[]
}

/** What is judged. */
export interface Evidence {
  readonly detectors: readonly PlannedDetector[]
  readonly users: Users
  readonly tally: Tally
  /** In the order of the detectors. */
  readonly servers: readonly ServerTruth[]
  readonly change: Change
}

/** Permission bits that Furka gives files, unless told otherwise. */
const MODE = 0o644

export function judge({ detectors, users, tally, servers, change }: Evidence): Judgement {
  const expected: [ExpectedFile[], ExpectedFile[]] = [[], []]
  const failures: Failure[] = []
  const completedAt = new Map(tally.files().map((file) => [keyOf(file), file.at]))

  /** Whose turn it was when a file was complete. In the moment of the change it can be either's. */
  function turnOf(key: FileKey, reception: Reception | undefined): 0 | 1 {
    const at = completedAt.get(keyOf(key)) ?? 0n
    if (at < change.from) return 0
    if (at > change.to) return 1
    return reception?.path.startsWith(`${users[0].userDirectory}/`) ? 0 : 1
  }

  function judgeFile(key: FileKey, file: ServedFile, content: ExpectedContent): void {
    const reception = tally.reception(key)
    const turn = turnOf(key, reception)
    const user = users[turn]
    const path = `${user.userDirectory}/${file.name}`
    const { size, digest } = file
    const { uid, gid } = user
    expected[turn].push({ path, size, digest, uid, gid, mode: MODE, mtimeNs: lastModified(file), content })
    for (const problem of [...misplaced(reception, path, user), ...hasty(tally, key), ...left(file)]) {
      failures.push({ path, problem })
    }
  }

  for (const [detector, planned] of detectors.entries()) {
    const contents = contentsOf(planned)
    const { completed = [], dropped = [] } = servers[detector] ?? {}
    for (const file of completed) {
      const content = contents.get(file.name)
      if (content === undefined) failures.push({ path: file.name, problem: 'nobody planned this' })
      else judgeFile({ detector, name: file.name }, file, content)
    }
    for (const name of dropped) failures.push({ path: name, problem: 'the server had no room for it' })
  }
  for (const step of ['received', 'internal', 'external'] as const) {
    const problem = step === 'received' ? 'not received' : `not durable on ${step}`
    for (const { path, reason } of tally.missing(step)) failures.push({ path, problem: `${problem}: ${reason}` })
  }
  return { expected, failures }
}

const keyOf = ({ detector, name }: FileKey): string => `${detector} ${name}`

/** As servers tell it: in whole seconds. */
const lastModified = ({ completed = 0 }: ServedFile): bigint => BigInt(Math.floor(completed / 1000)) * 1_000_000_000n

/** It was received for somebody else, or as something else. */
function misplaced(reception: Reception | undefined, path: string, user: FurkaUser): string[] {
  if (reception === undefined) return []
  const problems: string[] = []
  if (reception.path !== path) problems.push(`received as ${reception.path}`)
  if (reception.uid !== user.uid || reception.gid !== user.gid) {
    problems.push(`received for ${reception.uid}:${reception.gid} instead of ${user.uid}:${user.gid}`)
  }
  return problems
}

/** Its server was told to remove it before it was safe. */
function hasty(tally: Tally, key: FileKey): string[] {
  const removed = tally.reached(key, 'removed')
  const safe = tally.reached(key, 'internal')
  if (removed === undefined || (safe !== undefined && safe <= removed)) return []
  return ['removed at the server before it was durable on internal']
}

const left = ({ state }: ServedFile): string[] => {
  if (state === 'deleted') return []
  return [state === 'present' ? 'still at the server' : `${state} at the server`]
}
