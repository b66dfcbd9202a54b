/** The content of a file below a directory, if it is the version that was offered, from its beginning to its end. */
import type { FileHandle } from 'node:fs/promises'
import type { ByteString } from '../../bytes.js'
import { fromSystem, SustenError } from '../../errors.js'
import type { FileBody, FileOffer } from '../files.js'
import { bytesOfSpelling } from '../spelling.js'
import { openBeneath } from './beneath.js'
import { versionOf } from './version.js'

export async function readBeneath(root: ByteString, file: FileOffer, signal?: AbortSignal): Promise<FileBody> {
  signal?.throwIfAborted()
  const name = bytesOfSpelling(file.name)
  const path = `${root}/${name}` as ByteString
  const handle = await openBeneath(root, name).catch((error: unknown) => {
    throw fromSystem(error, path)
  })
  if (handle === undefined) {
    throw new SustenError(`ENOENT: it isn't there, open ${file.name}`, { code: 'ENOENT', errno: -2, syscall: 'open' })
  }
  try {
    const { size, mtimeMs } = await check(handle, file)
    const content = parts(handle, file, signal)
    const end = content.return.bind(content)
    // A generator that was never begun doesn't run its `finally`.
    content.return = async (value) => {
      await handle.close()
      return await end(value)
    }
    return { size, mtime: mtimeMs, content }
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function* parts(
  handle: FileHandle,
  file: FileOffer,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* handle.createReadStream({ autoClose: false, ...(signal && { signal }) })
    await check(handle, file)
  } finally {
    await handle.close()
  }
}

async function check(handle: FileHandle, file: FileOffer): Promise<{ size: number; mtimeMs: number }> {
  const stats = await handle.stat({ bigint: true })
  const size = Number(stats.size)
  if (stats.isFile() && versionOf({ ...stats, size }) === file.version) {
    return { size, mtimeMs: Number(stats.mtimeNs) / 1e6 }
  }
  const text = `ERR_SUSTEN_CHANGED: another version than the one that was offered, read ${file.name}`
  throw new SustenError(text, { code: 'ERR_SUSTEN_CHANGED', syscall: 'read' })
}
