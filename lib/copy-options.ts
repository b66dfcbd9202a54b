/** What `copyTree` and a Mirror's storages have in common: how content and metadata are carried over. */
import type { Durability, Preserve, Verify } from './native.js'
import { checkNames, checkWord } from './options.js'

/**
 * What is carried over with a file's content, one by one: `keep`: or the file fails; `try`: where the system permits
 * it; `off`: left to the system.
 */
export interface PreserveOptions {
  /** Owner. Default `keep` for root, `try` for everyone else. */
  readonly uid?: Preserve | undefined
  /** Group. Default `keep` for root, `try` for everyone else. */
  readonly gid?: Preserve | undefined
  /** Permission bits; never setuid and setgid. Default `keep`. */
  readonly mode?: Preserve | undefined
  /** Times of last change and access, in nanoseconds. Default `keep`. */
  readonly times?: Preserve | undefined
  /** Extended attributes `user.*` and `trusted.*`; never `security.*`. Default `off`. */
  readonly xattrs?: Preserve | undefined
  /** POSIX access control lists. Default `off`. */
  readonly acls?: Preserve | undefined
}

const preserveNames = ['uid', 'gid', 'mode', 'times', 'xattrs', 'acls'] as const satisfies (keyof PreserveOptions)[]
const preserves: readonly Preserve[] = ['keep', 'try', 'off']

/**
 * Preserve options with nothing left open.
 * @param where The option, for messages.
 */
export function completePreserve(where: string, given: PreserveOptions): Record<keyof PreserveOptions, Preserve> {
  checkNames(where, given, preserveNames)
  const word = (name: keyof PreserveOptions, usual: Preserve) =>
    checkWord(`preserve.${name}`, given[name] ?? usual, preserves)
  // Only root may give files away: to anyone else `keep` would refuse what cp -p and rsync -a do without a word.
  const owner = process.geteuid?.() === 0 ? 'keep' : 'try'
  return {
    uid: word('uid', owner),
    gid: word('gid', owner),
    mode: word('mode', 'keep'),
    times: word('times', 'keep'),
    xattrs: word('xattrs', 'off'),
    acls: word('acls', 'off'),
  }
}

/** `batch` if it isn't said. */
export function checkDurability(name: string, value: Durability | undefined): Durability {
  return checkWord(name, value ?? 'batch', ['none', 'batch', 'each'])
}

/** `usual` if it isn't said. */
export function checkVerify(name: string, value: Verify | undefined, usual: Verify): Verify {
  return checkWord(name, value ?? usual, ['none', 'inline', 'readback'])
}
