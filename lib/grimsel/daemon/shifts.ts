/** What the status port tells. */
import type { StatusEntry } from '../ports/index.js'
import type { GrimselStatus } from '../types.js'

/** For each shift, newest first, an entry for each storage. */
export function statusEntries({ shifts }: GrimselStatus): StatusEntry[][] {
  return shifts.map(({ started, uid, gid, storages }) =>
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
