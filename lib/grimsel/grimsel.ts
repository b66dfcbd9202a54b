/** A buffer, copied to storages, that gives space back before it overflows. */
import { inspect } from 'node:util'
import { shiftsOf, tiersOf } from '../core/index.js'
import { abortError } from '../engine/index.js'
import { faceOf, openSession, openSessionJournal } from '../mirror/index.js'
import { checkInteger, checkNames, optionError } from '../options.js'
import { completeGrimselOptions } from './options.js'
import type { Grimsel, GrimselOptions, User } from './types.js'

/** Of uid_t and gid_t; the greatest number means nobody in system calls. */
const greatestId = 2 ** 32 - 2

/**
 * Opens a Grimsel: locks its journal, puts in order what the last one left undone, goes on with what is pending, and
 * watches how full the buffer is.
 * @throws SustenError `ERR_SUSTEN_OPTION`: a wrong option; `ERR_SUSTEN_LOCKED`: another process has the journal;
 *   the journal's other errors; `ENOENT` or `ENOTDIR`: there is no buffer; `ERR_SUSTEN_STORAGE`: nothing is mounted
 *   there; `ABORT_ERR`
 */
export async function openGrimsel(options: GrimselOptions): Promise<Grimsel> {
  const complete = completeGrimselOptions(options)
  if (complete.signal?.aborted) throw abortError(complete.signal)
  const { journal, claim } = await openSessionJournal(complete, options.journal !== undefined)
  const session = await openSession(complete, journal, claim)
  const { shell, state, now, checkOpen } = session
  const face = faceOf(session, () => grimsel)
  /** One after the other, so that each learns its own shift's number. */
  let changing: Promise<unknown> = Promise.resolve()

  async function beginShift(user: User): Promise<number> {
    checkOpen()
    await shell.postDurably([{ type: 'userChange', at: now(), ...user }])
    return state.shift
  }

  const grimsel: Grimsel = {
    ...face,
    async changeUser(user) {
      const known = checkUser(user)
      checkOpen()
      const change = changing.then(() => beginShift(known))
      changing = change.catch(() => {})
      return change
    },
    status: () => ({ ...face.status(), shifts: shiftsOf(state), tiers: tiersOf(state) }),
  }
  return grimsel
}

function checkUser(user: User): User {
  checkNames('changeUser', user, ['uid', 'gid', 'userDirectory'])
  const { userDirectory } = user
  const uid = checkInteger('uid', user.uid, 0, greatestId)
  const gid = checkInteger('gid', user.gid, 0, greatestId)
  if (userDirectory === undefined) return { uid, gid }
  return { uid, gid, userDirectory: checkUserDirectory(userDirectory) }
}

/** It is only told, but who reads it may put it behind a path. */
function checkUserDirectory(directory: unknown): string {
  const isRight =
    typeof directory === 'string' &&
    directory !== '' &&
    directory.length <= 4095 &&
    !directory.startsWith('/') &&
    !directory.includes('\0') &&
    !directory.split('/').includes('..')
  if (isRight) return directory
  throw optionError(`option 'userDirectory' must be a relative path without '..', not ${inspect(directory)}`)
}
