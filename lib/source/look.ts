/** One look at a file, by name. */
import { lstat } from 'node:fs/promises'
import { type ByteString, bufferOfBytes } from '../bytes.js'
import type { Fingerprint } from '../core/index.js'

/** The fingerprint of a regular file; undefined if there is none of this name, or it can't be looked at. */
export async function lookAt(directory: ByteString, name: ByteString): Promise<Fingerprint | undefined> {
  try {
    const stats = await lstat(pathOf(directory, name), { bigint: true })
    if (!stats.isFile()) return undefined
    const { dev, ino, mtimeNs, ctimeNs } = stats
    return { dev, ino, size: Number(stats.size), mtimeNs, ctimeNs }
  } catch {
    return undefined
  }
}

/** Whether a name is certainly gone: not merely out of sight for some other error. */
export async function isGone(directory: ByteString, name: ByteString): Promise<boolean> {
  try {
    await lstat(pathOf(directory, name))
    return false
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    return code === 'ENOENT' || code === 'ENOTDIR'
  }
}

const pathOf = (directory: ByteString, name: ByteString): Buffer =>
  bufferOfBytes((directory === '/' ? `/${name}` : `${directory}/${name}`) as ByteString)
