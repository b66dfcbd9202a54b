/** What the status port tells. */
import type { StatusEntry } from '../ports/index.js'
import type { GrimselStatus } from '../types.js'

/**
 * An entry for each shift and storage, newest shift first.
 * @param count Shifts, the newest ones; -1: all that are remembered.
 */
export function statusEntries({ shifts }: GrimselStatus, count: number): StatusEntry[] {
  const chosen = count < 0 ? shifts : shifts.slice(0, count)
  return chosen.flatMap(({ started, uid, gid, storages }) =>
    storages.map(({ storage, pending, copied, failed }) => ({
      usertime: started,
      uid,
      gid,
      storage,
      pending,
      copied,
      failed,
    })),
  )
}
