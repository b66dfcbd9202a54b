/** Whether others could put something else in the place of a staging directory. */
import type { Stats } from 'node:fs'
import { lstat, readlink } from 'node:fs/promises'
import { posix } from 'node:path'
import { type ByteString, bufferOfBytes, bytesOfBuffer, textOfBytes } from '../../bytes.js'
import { fromSystem, SustenError } from '../../errors.js'

/** As many links as Linux follows. */
const MOST_LINKS = 40

/**
 * Looks whether a staging directory may be where it is to be: what is there, if anything is, must be this user's own
 * directory, and let nobody else in.
 * @throws SustenError `ERR_SUSTEN_OPTION`; `ERR_SUSTEN_STORAGE`: the directory that it is to be made in is missing
 */
export async function checkStagingPlace(path: ByteString): Promise<void> {
  const place = `${await safeParent(path)}/${posix.basename(path)}` as ByteString
  const stats = await lstat(bufferOfBytes(place)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw fromSystem(error, place)
  })
  if (stats !== undefined && !isPrivate(stats)) throw notPrivate(path)
}

/**
 * The real path, without links, of the directory that a staging directory is in.
 *
 * Each directory on the way to it, and each link, must be this user's or root's. One that others may write to must be
 * sticky: there only a thing's owner, the directory's owner and root can rename or remove it. So nobody else can exchange
 * anything on this way, nor the staging directory once it is found to be this user's. In a sticky directory somebody else
 * may be there first: what he made isn't this user's, and is refused.
 * An access control list shows in the bits of the group; so the group isn't trusted either.
 */
export async function safeParent(path: ByteString): Promise<ByteString> {
  let real = '' as ByteString
  let waiting = namesOf(posix.dirname(path))
  let links = 0
  await enter('/' as ByteString)
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    if (name === '..') {
      real = real.slice(0, Math.max(0, real.lastIndexOf('/'))) as ByteString
      continue
    }
    const next = `${real}/${name}` as ByteString
    const target = await enter(next)
    if (target === undefined) {
      real = next
      continue
    }
    if (++links > MOST_LINKS) throw refusal(path, `'${textOfBytes(next)}' leads through too many links`, next)
    waiting = [...namesOf(target), ...waiting]
    if (target.startsWith('/')) real = '' as ByteString
  }
  return real

  /** Looks at one step of the way. @returns where it leads if it is a link */
  async function enter(step: ByteString): Promise<ByteString | undefined> {
    try {
      const stats = await lstat(bufferOfBytes(step))
      checkStep(path, step, stats)
      return stats.isSymbolicLink() ? bytesOfBuffer(await readlink(bufferOfBytes(step), 'buffer')) : undefined
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw fromSystem(error, step)
      const why = `can't be made: there is no directory '${textOfBytes(step)}'; make it, or choose another one`
      throw new SustenError(`staging '${textOfBytes(path)}' ${why}`, {
        code: 'ERR_SUSTEN_STORAGE',
        path: textOfBytes(step),
        cause: error,
      })
    }
  }
}

function checkStep(path: ByteString, step: ByteString, stats: Stats): void {
  const shown = textOfBytes(step)
  const user = process.geteuid?.() ?? 0
  const exchange = 'could exchange what is below it'
  if (stats.uid !== 0 && stats.uid !== user) {
    const what = `'${shown}' belongs to user ${stats.uid}, who ${exchange}; give it to user ${user}`
    throw refusal(path, `${what}, or choose another directory`, step)
  }
  if (stats.isSymbolicLink()) return
  if (!stats.isDirectory()) throw refusal(path, `'${shown}' is no directory; choose another one`, step)
  if ((stats.mode & 0o022) === 0 || (stats.mode & 0o1000) !== 0) return
  const mode = (stats.mode & 0o7777).toString(8)
  const what = `others may write to '${shown}' (mode ${mode}), and ${exchange}`
  throw refusal(
    path,
    `${what}; take that right ('chmod go-w'), set the sticky bit ('chmod +t'), or choose another directory`,
    step,
  )
}

/** A directory that belongs to whom this process runs as, and lets nobody else in. */
export const isPrivate = (stats: Stats): boolean =>
  stats.isDirectory() && stats.uid === process.geteuid?.() && (stats.mode & 0o077) === 0

export function notPrivate(path: ByteString): SustenError {
  const text = `staging '${textOfBytes(path)}' must be a directory of this user's, with mode 700`
  return new SustenError(text, { code: 'ERR_SUSTEN_OPTION', path: textOfBytes(path) })
}

const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.')

const refusal = (path: ByteString, what: string, step: ByteString): SustenError =>
  new SustenError(`staging '${textOfBytes(path)}': ${what}`, { code: 'ERR_SUSTEN_OPTION', path: textOfBytes(step) })
