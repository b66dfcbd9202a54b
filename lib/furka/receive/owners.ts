/** Whether a user's directory is out of other users' reach: looked at before anything is written there. */
import type { Stats } from 'node:fs'
import { lstat, stat } from 'node:fs/promises'
import { type ByteString, bufferOfBytes, bytesOfText, textOfBytes } from '../../bytes.js'
import { fromNative, SustenError } from '../../errors.js'
import type { NativeError } from '../../native.js'
import { join, type Target } from '../../storage/index.js'
import { depthOf, relative } from '../place.js'
import type { FurkaUser } from '../user.js'

/**
 * How long what was found holds:
 * - `lasting`: as long as root leaves it, since nobody else can make or move anything on the way;
 * - `passing`: somebody else could, so that it must be looked at again behind what was written.
 */
export type Reach = 'lasting' | 'passing'

/** Milliseconds for which a lasting finding is believed: root may give directories to others at any time. */
const believed = 1000
const mostBelieved = 100

/** Looks that aren't repeated for each file. */
export function createOwners(target: Target): { check(user: FurkaUser): Promise<Reach> } {
  const lasting = new Map<string, number>()
  return {
    async check(user) {
      const key = `${user.uid}:${user.userDirectory}`
      const now = performance.now()
      if ((lasting.get(key) ?? Number.NEGATIVE_INFINITY) > now - believed) return 'lasting'
      const reach = await checkOwners(target, user)
      if (lasting.size >= mostBelieved) lasting.clear()
      if (reach === 'lasting') lasting.set(key, now)
      else lasting.delete(key)
      return reach
    },
  }
}

/**
 * Walks from the target's root to the user's directory. All above its last part must belong to root, to this process, or
 * to whom the target's root belongs to, who has it all in his hands anyhow; the last one may also be the user's own.
 * @throws SustenError `EPERM`: one of them is somebody else's
 */
async function checkOwners(
  { root, layout }: Target,
  { uid, userDirectory }: Pick<FurkaUser, 'uid' | 'userDirectory'>,
): Promise<Reach> {
  const parts = relative(layout, bytesOfText(userDirectory)).split('/')
  const last = userDirectory === '' ? -1 : parts.length - 1
  let above = await look(root, stat)
  // What isn't there, or is no directory, the engine won't write to, and can say better.
  if (above === undefined) return 'passing'
  const trusted = new Set([0, process.geteuid?.() ?? 0, above.uid])
  let reach: Reach = 'lasting'
  let path = root
  for (const [index, part] of parts.entries()) {
    if (part === '') continue
    path = join(path, part as ByteString)
    const found = await look(path, lstat)
    if (found === undefined) return isOpen(above) ? 'passing' : reach
    if (!found.isDirectory()) return 'passing'
    // The target's own directories are the operator's choice, unless anybody could have made them.
    const isChosen = index < depthOf(layout) && !isOpen(above)
    const isOwn = index === last && found.uid === uid
    if (!trusted.has(found.uid) && !isChosen && !isOwn) throw foreign(path, found.uid, uid, index === last)
    if (isOpen(above) && (above.mode & sticky) === 0) reach = 'passing'
    above = found
  }
  return reach
}

const sticky = 0o1000

/** Others than its owner may make directories in it. */
const isOpen = ({ mode }: Stats): boolean => (mode & 0o022) !== 0

async function look(path: ByteString, how: typeof stat): Promise<Stats | undefined> {
  return await how(bufferOfBytes(path)).catch(() => undefined)
}

/**
 * Why a file couldn't be written, in words: also of a directory of somebody else's behind the user's own, which the engine
 * finds as it opens it.
 * @param user Whose the file is to be.
 */
export async function errorOf(error: NativeError, user: number): Promise<SustenError> {
  if (error.code !== 'EPERM' || error.syscall !== 'owner') return fromNative(error)
  const found = await look(error.path, lstat)
  return foreign(error.path, found?.uid, user, true)
}

/**
 * @param owner Undefined: it isn't known any more.
 * @param isHis It may be the user's own, too.
 */
function foreign(path: ByteString, owner: number | undefined, user: number, isHis: boolean): SustenError {
  const whose = !isHis || user === 0 ? 'root' : `root or user ${user}`
  const other = owner === undefined ? 'another user' : `user ${owner}`
  const text = `directory '${textOfBytes(path)}' belongs to ${other}, who could replace files of user ${user} in it`
  const message = `${text}; give it to ${whose} (chown), or remove it, or choose another user directory`
  return new SustenError(message, { code: 'EPERM', errno: -1, syscall: 'stat', path: textOfBytes(path) })
}
