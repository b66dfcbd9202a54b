/** A buffer, copied to storages, that gives space back before it overflows. */
import { shiftsOf, tiersOf } from '../core/index.js'
import { abortError } from '../engine/index.js'
import { faceOf, openSession, openSessionJournal } from '../mirror/index.js'
import { checkNames, optionError } from '../options.js'
import { resolveUser, type WholeUser } from '../user/index.js'
import { completeGrimselOptions } from './options.js'
import type { Grimsel, GrimselOptions, User } from './types.js'

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
    const { userDirectory, ...numbers } = completeUser(user)
    const directory = userDirectory === '' ? {} : { userDirectory }
    await shell.postDurably([{ type: 'userChange', at: now(), ...numbers, ...directory }])
    return state.shift
  }

  /** What isn't given is as it was; a directory, as long as it is the same user's. */
  function completeUser(user: User): WholeUser {
    const { uid = 0, gid = 0, userDirectory = '' } = state.shifts.at(-1) ?? {}
    const isOther = user.uid !== undefined && user.uid !== uid
    return resolveUser(user, { uid, gid, userDirectory: isOther ? '' : userDirectory })
  }

  const grimsel: Grimsel = {
    ...face,
    async changeUser(user) {
      checkNames('changeUser', user, ['uid', 'gid', 'userDirectory'])
      const asked = { ...user }
      completeUser(asked)
      if (Object.values(asked).every((part) => part === undefined)) {
        throw optionError('changeUser: names nobody; at least one of uid, gid and userDirectory must be given')
      }
      checkOpen()
      const change = changing.then(() => beginShift(asked))
      changing = change.catch(() => {})
      return change
    },
    status: () => ({ ...face.status(), shifts: shiftsOf(state), tiers: tiersOf(state) }),
  }
  return grimsel
}
