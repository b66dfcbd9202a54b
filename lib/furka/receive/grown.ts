/** Older content that was kept, of a file that had only grown since: it isn't another content, and goes. */
import { Buffer } from 'node:buffer'
import { type FileHandle, lstat, unlink } from 'node:fs/promises'
import type { ByteString } from '../../bytes.js'
import { nameIn, openBeneath, openFile } from './beneath.js'

/** Bytes that are compared at once: a small part of a millisecond's work. */
const part = 256 * 1024

/**
 * What to do about content that was kept under a versioned name:
 * - `dropped`: the new content begins with all of it: nothing of it is lost with it, and it was removed;
 * - `kept`: it is another one, or can't be judged;
 * - `link`: a symbolic link, which has no content of its own.
 */
export type Kept = 'dropped' | 'kept' | 'link'

/**
 * @param below Directory of both, below the root.
 * @param name Of the new content.
 * @param version Of the older one.
 */
export async function dropIfGrown(root: ByteString, below: string, name: string, version: string): Promise<Kept> {
  try {
    const directory = await openBeneath(root, below)
    try {
      return await judge(directory, name, version)
    } finally {
      await directory.close()
    }
  } catch {
    return 'kept'
  }
}

async function judge(directory: FileHandle, name: string, version: string): Promise<Kept> {
  if ((await lstat(nameIn(directory, version))).isSymbolicLink()) return 'link'
  const [older, newer] = [await openFile(directory, version), await openFile(directory, name)]
  try {
    const before = await older.stat({ bigint: true })
    const now = await newer.stat({ bigint: true })
    if (!before.isFile() || !now.isFile() || before.size >= now.size) return 'kept'
    if (!(await beginsWith(newer, older, Number(before.size)))) return 'kept'
    // What is removed must be what was compared.
    const there = await lstat(nameIn(directory, version), { bigint: true })
    const isSame =
      there.dev === before.dev &&
      there.ino === before.ino &&
      there.size === before.size &&
      there.mtimeNs === before.mtimeNs &&
      there.ctimeNs === before.ctimeNs
    if (!isSame) return 'kept'
    await unlink(nameIn(directory, version))
    return 'dropped'
  } finally {
    await Promise.all([older.close(), newer.close()])
  }
}

async function beginsWith(newer: FileHandle, older: FileHandle, size: number): Promise<boolean> {
  const [a, b] = [Buffer.alloc(part), Buffer.alloc(part)]
  for (let at = 0; at < size; at += part) {
    const length = Math.min(part, size - at)
    const [ours, theirs] = await Promise.all([readAt(newer, a, at, length), readAt(older, b, at, length)])
    if (ours < length || theirs < length || a.compare(b, 0, length, 0, length) !== 0) return false
  }
  return true
}

/** Bytes that could be read: fewer only where the file ends. */
async function readAt(file: FileHandle, into: Buffer, at: number, length: number): Promise<number> {
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(into, filled, length - filled, at + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}
