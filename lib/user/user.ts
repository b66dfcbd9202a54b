/** Whose files are: `-u [uid]:[gid]:[userdirectory]`, and what it leaves open. */
import { isRefusal, quoted } from '../config/index.js'
import { checkInteger, checkNames, optionError } from '../options.js'
import { expandUserDirectory, plainUserDirectory } from './user-directory.js'

/** The largest number: the one above it means "nobody in particular" to the system. */
export const largestId = 2 ** 32 - 2

/** What counts for what a change of user leaves open. */
export interface BaseUser {
  readonly uid: number
  readonly gid: number
  /** Relative; `$UID` and `$GID` stand for the numbers. Empty: none. */
  readonly userDirectory: string
}

/** A change of user. What isn't given is open. */
export interface UserChange {
  readonly uid?: number | undefined
  readonly gid?: number | undefined
  /** Relative, without `..`; `$UID` and `$GID` stand for the numbers. Empty or `.`: none. */
  readonly userDirectory?: string | undefined
}

/** A user, nothing left open. */
export interface WholeUser {
  readonly uid: number
  readonly gid: number
  /** Relative, in its plainest form. Empty: none. */
  readonly userDirectory: string
}

/**
 * Reads the value of `-u`: `[uid][:[gid][:[userdirectory]]]`, at least one of them given. A user directory of `.` is
 * none.
 * @throws SustenError `ERR_SUSTEN_OPTION`
 */
export function parseUser(text: string): UserChange {
  const [, uid, gid, directory] = /^([^:]*)(?::([^:]*)(?::(.*))?)?$/s.exec(text) ?? []
  // More likely variables of a script that weren't set than the wish for the configuration's user.
  if (!uid && !gid && !directory) throw wrong(text, 'names nobody; at least one part must be given')
  return {
    ...(uid ? { uid: idOf(text, 'uid', uid) } : {}),
    ...(gid ? { gid: idOf(text, 'gid', gid) } : {}),
    ...(directory ? { userDirectory: directoryOf(text, directory) } : {}),
  }
}

/**
 * Completes a change of user.
 * @param base What counts for what isn't given.
 * @throws SustenError `ERR_SUSTEN_OPTION`
 */
export function resolveUser(change: UserChange, base: BaseUser): WholeUser {
  checkNames('user', change, ['uid', 'gid', 'userDirectory'])
  const uid = checkInteger('uid', change.uid ?? base.uid, 0, largestId)
  const gid = checkInteger('gid', change.gid ?? base.gid, 0, largestId)
  const directory: unknown = change.userDirectory ?? base.userDirectory
  const plain = typeof directory === 'string' ? plainUserDirectory(directory) : undefined
  if (plain === undefined) throw optionError("option 'userDirectory' must be text")
  if (isRefusal(plain)) throw optionError(`option 'userDirectory' ${plain.refused}, not ${quoted(String(directory))}`)
  return Object.freeze({ uid, gid, userDirectory: expandUserDirectory(plain, { uid, gid }) })
}

function idOf(text: string, name: string, digits: string): number {
  if (!/^[0-9]+$/.test(digits)) throw wrong(text, `the ${name} must be a number, not ${quoted(digits)}`)
  if (digits.length > 10 || Number(digits) > largestId) throw wrong(text, `the ${name} must be at most ${largestId}`)
  return Number(digits)
}

function directoryOf(text: string, directory: string): string {
  const plain = plainUserDirectory(directory)
  if (isRefusal(plain)) throw wrong(text, `the user directory ${plain.refused}`)
  return plain
}

const wrong = (text: string, why: string): Error =>
  optionError(`user ${quoted(text)}: ${why}; [UID]:[GID]:[DIRECTORY] is taken, as '500:501' or '500::visit7'`)
