/**
 * What `fs.cp` checks before it copies anything, on the two roots. The checks answer mistakes early and by the same
 * codes; they aren't what keeps a copy safe. That is the engine, which opens both trees through directory
 * descriptors, looks at what it has opened, and never follows a symbolic link of the destination.
 */
import type { BigIntStats } from 'node:fs'
import { lstat, mkdir, open, realpath, stat } from 'node:fs/promises'
import { constants as os } from 'node:os'
import { posix } from 'node:path'
import { type ByteString, bufferOfBytes, bytesOfBuffer } from '../bytes.js'
import { fromSystem, pathError } from '../errors.js'
import { absolutePath } from '../paths.js'

/** The two roots, absolute, and what the source is. */
export interface Roots {
  readonly src: ByteString
  readonly dest: ByteString
  readonly isDirectory: boolean
}

/** What of the options matters here. */
export interface RootOptions {
  readonly dereference: boolean
  readonly recursive: boolean
}

/**
 * Finds the two roots and refuses what can't be copied onto each other.
 * @throws SustenError `ERR_FS_CP_*`, `ERR_FS_EISDIR` or a system error
 */
export async function findRoots(srcGiven: ByteString, destGiven: ByteString, options: RootOptions): Promise<Roots> {
  let src = await whatItNames(srcGiven)
  let dest = await whatItNames(destGiven)
  const srcStat = await statRoot(src, options.dereference)
  const destStat = await statRoot(dest, options.dereference).catch(nullIfMissing)
  if (options.dereference) {
    src = await followed(src)
    if (destStat?.isDirectory()) dest = await followed(dest)
  }
  const isDirectory = srcStat.isDirectory()
  const refuse = (code: string, errno: number, why: string) =>
    pathError(`${code}: ${why},`, { code, errno: -errno, syscall: 'cp', path: src, dest })

  if (destStat !== null) {
    if (same(srcStat, destStat)) {
      throw refuse('ERR_FS_CP_EINVAL', os.errno.EINVAL, 'source and destination are the same')
    }
    if (isDirectory && !destStat.isDirectory()) {
      throw refuse('ERR_FS_CP_DIR_TO_NON_DIR', os.errno.EISDIR, "a directory can't replace what is none")
    }
    if (!isDirectory && destStat.isDirectory()) {
      throw refuse('ERR_FS_CP_NON_DIR_TO_DIR', os.errno.ENOTDIR, "what is no directory can't replace one")
    }
  }
  if (
    isDirectory &&
    (dest === src || dest.startsWith(src === '/' ? src : `${src}/`) || (await isAbove(srcStat, dest)))
  ) {
    throw refuse('ERR_FS_CP_EINVAL', os.errno.EINVAL, "a directory can't be copied into itself")
  }
  if (isDirectory && !options.recursive) {
    throw refuse('ERR_FS_EISDIR', os.errno.EISDIR, 'the source is a directory, and recursive is false')
  }
  return { src, dest, isDirectory }
}

/** Makes the directories above a path that aren't there. `durable`: and has their names on stable storage. */
export async function makeParents(path: ByteString, durable: boolean): Promise<void> {
  const parent = posix.dirname(path)
  const missing: string[] = []
  for (let at = parent; !(await exists(at)); at = posix.dirname(at)) missing.push(at)
  if (missing.length === 0) return
  try {
    await mkdir(bytes(parent), { recursive: true })
    if (!durable) return
    for (const made of missing.reverse()) await syncDirectory(posix.dirname(made) as ByteString)
  } catch (error) {
    throw fromSystem(error, parent as ByteString)
  }
}

/** Puts a directory's entries on stable storage. */
export async function syncDirectory(path: ByteString): Promise<void> {
  const handle = await open(bytes(path), 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * The absolute path of what the kernel would find: `link/` is what the link points to, and `link/..` isn't where the
 * link is. Names that aren't there yet are taken as they are written.
 */
async function whatItNames(path: ByteString): Promise<ByteString> {
  const absolute = absolutePath(path)
  try {
    if (/(^|\/)\.{0,2}$/.test(path)) return await followed(path)
    if (!/(^|\/)\.\.\//.test(path)) return absolute
    const parent = await followed(posix.dirname(path) as ByteString)
    return posix.join(parent, posix.basename(path)) as ByteString
  } catch (error) {
    if (isMissing(error)) return absolute
    throw error
  }
}

async function followed(path: ByteString): Promise<ByteString> {
  try {
    return bytesOfBuffer(await realpath(bytes(path), { encoding: 'buffer' }))
  } catch (error) {
    throw fromSystem(error, path)
  }
}

async function statRoot(path: ByteString, follow: boolean): Promise<BigIntStats> {
  try {
    return await (follow ? stat : lstat)(bytes(path), { bigint: true })
  } catch (error) {
    throw fromSystem(error, path)
  }
}

async function exists(path: string): Promise<boolean> {
  return (await statRoot(path as ByteString, true).catch(nullIfMissing)) !== null
}

/** Whether a directory is, by its inode, one of those above a path: the path may lead into it through a link. */
async function isAbove(directory: BigIntStats, path: ByteString): Promise<boolean> {
  for (let at = posix.dirname(path); ; at = posix.dirname(at)) {
    const found = await statRoot(at as ByteString, true).catch(nullIfMissing)
    if (found !== null && same(directory, found)) return true
    if (at === '/') return false
  }
}

const same = (a: BigIntStats, b: BigIntStats): boolean => a.ino === b.ino && a.dev === b.dev

const bytes = (path: string): Buffer => bufferOfBytes(path as ByteString)

function nullIfMissing(error: unknown): null {
  if (isMissing(error)) return null
  throw error
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'
