/** Whether this process may give files to others. */
import { readFileSync } from 'node:fs'
import { optionError } from '../options.js'
import type { FurkaUser } from './user.js'

/** Of capabilities(7). */
const CAP_CHOWN = 0n

/**
 * Refuses users whose files this process couldn't make, before anything is received for them.
 * @throws SustenError `ERR_SUSTEN_OPTION`
 */
export function checkMayGive({ uid, gid }: Pick<FurkaUser, 'uid' | 'gid'>): void {
  const own = process.geteuid?.()
  if (own === 0) return
  const isOwn = uid === own
  const isOwnGroup = gid === process.getegid?.() || (process.getgroups?.().includes(gid) ?? false)
  if ((isOwn && isOwnGroup) || mayChangeOwners()) return
  const whom = isOwn ? `group ${gid}, of which it isn't a member` : `user ${uid}`
  throw optionError(`this process runs as user ${own} and can't give files to ${whom}; run it as root`)
}

function mayChangeOwners(): boolean {
  try {
    const [, capabilities] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? []
    return capabilities !== undefined && ((BigInt(`0x${capabilities}`) >> CAP_CHOWN) & 1n) === 1n
  } catch {
    return false
  }
}
