/** Who is at the other end, and whether that is all right. */
import type { Socket } from 'node:net'
import { fromThrown, SustenError } from '../errors.js'
import { type NativePeer, native } from '../native.js'
import { checkInteger, checkNames, optionError } from '../options.js'

/** A process at the other end of a control socket, by the kernel's word. */
export type Peer = NativePeer

/** Who may call, besides root and the user that the server runs as. */
export interface Allow {
  readonly uids?: readonly number[]
  /** Groups; a caller's supplementary ones count, too. */
  readonly gids?: readonly number[]
}

const biggestId = 2 ** 32 - 2

/** @throws SustenError `ERR_SUSTEN_OPTION` */
export function checkAllow(allow: Allow): Required<Allow> {
  checkNames('openControl: allow', allow, ['uids', 'gids'])
  return { uids: checkIds('allow.uids', allow.uids ?? []), gids: checkIds('allow.gids', allow.gids ?? []) }
}

function checkIds(name: string, ids: readonly number[]): readonly number[] {
  if (!Array.isArray(ids)) throw optionError(`option '${name}' must be a list of numbers`)
  return ids.map((id, index) => checkInteger(`${name}[${index}]`, id, 0, biggestId))
}

/**
 * Asks the kernel. @throws SustenError what the system says
 * @param socket A connected Unix socket. Node offers its descriptor nowhere but here; without one there is no answer,
 *   and an error instead.
 */
export function peerOf(socket: Socket): Peer {
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: unknown } | null }
  const fd = handle?.fd
  if (typeof fd !== 'number' || fd < 0) {
    throw new SustenError('the connection is gone before its other end is known', {
      code: 'ENOTCONN',
      syscall: 'getsockopt',
    })
  }
  try {
    return native.peerOf(fd)
  } catch (error) {
    throw fromThrown(error)
  }
}

/** Root, and the user that this process runs as. */
export const isTrusted = ({ uid }: Peer): boolean => uid === 0 || uid === process.geteuid?.()

export function isAllowed(peer: Peer, { uids, gids }: Required<Allow>): boolean {
  if (isTrusted(peer) || uids.includes(peer.uid)) return true
  return [peer.gid, ...peer.groups].some((gid) => gids.includes(gid))
}
