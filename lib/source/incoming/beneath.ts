/**
 * Single files below a directory, whatever others make of the directories in between: no link is followed, since each
 * directory is opened by its name in the one above, and files are reached through the descriptor of theirs.
 */
import { constants, type FileHandle, lstat, open, unlink } from 'node:fs/promises'
import { type ByteString, bufferOfBytes } from '../../bytes.js'
import { type Marks, versionOf } from './version.js'

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
/** A pipe must not be waited for. */
const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Undefined if there is no such file; what can't be looked at rejects. */
export function lookBeneath(root: ByteString, name: ByteString): Promise<Marks | undefined> {
  return within(root, name, async (path) => {
    const stats = await lstat(path, { bigint: true })
    return stats.isFile() ? { ...stats, size: Number(stats.size) } : undefined
  })
}

/**
 * Removes a file if it is this version. It is opened first: that has a network file system ask for what is true now.
 */
export async function unlinkBeneath(
  root: ByteString,
  name: ByteString,
  version: string,
): Promise<'removed' | 'gone' | 'changed'> {
  const outcome = await within(root, name, async (path) => {
    await using file = await open(path, FILE)
    const [opened, named] = [await file.stat({ bigint: true }), await lstat(path, { bigint: true })]
    const isSame = opened.isFile() && named.isFile() && opened.dev === named.dev
    const versions = [opened, named].map((stats) => versionOf({ ...stats, size: Number(stats.size) }))
    if (!isSame || versions.some((one) => one !== version)) return 'changed'
    await unlink(path)
    return 'removed'
  })
  return outcome ?? 'gone'
}

/** An open file, for who closes it; undefined if there is none. */
export function openBeneath(root: ByteString, name: ByteString): Promise<FileHandle | undefined> {
  return within(root, name, (path) => open(path, FILE))
}

/** Undefined if the name leads nowhere, or through a link. */
async function within<T>(
  root: ByteString,
  name: ByteString,
  work: (path: Buffer) => Promise<T>,
): Promise<T | undefined> {
  const parts = name.split('/')
  const last = parts.pop() ?? ''
  let directory: FileHandle | undefined
  try {
    directory = await open(bufferOfBytes(root), constants.O_RDONLY | constants.O_DIRECTORY)
    for (const part of parts) {
      const next = await open(below(directory, part), DIRECTORY)
      await directory.close()
      directory = next
    }
    return await work(below(directory, last))
  } catch (error) {
    if (error instanceof Error && 'code' in error && leadsNowhere.has(String(error.code))) return undefined
    throw error
  } finally {
    await directory?.close()
  }
}

/** `ENXIO`: a socket, or a pipe without a reader. */
const leadsNowhere = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'])

const below = (directory: FileHandle, name: string): Buffer =>
  bufferOfBytes(`/proc/self/fd/${directory.fd}/${name}` as ByteString)
