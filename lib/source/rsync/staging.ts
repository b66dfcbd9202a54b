/** A private directory for what was fetched: nobody else gets into it, and nothing in it outlives its source. */
import { createHash } from 'node:crypto'
import { lstat, mkdir, readdir, rm, rmdir, unlink } from 'node:fs/promises'
import { type ByteString, bufferOfBytes, textOfBytes } from '../../bytes.js'
import { fromSystem, SustenError } from '../../errors.js'
import { lockWith } from '../../file-lock.js'

export interface Staging {
  /** A new directory. */
  make(): Promise<ByteString>
  /** Removes a file that was fetched. */
  drop(directory: ByteString, name: ByteString): Promise<void>
  /** Removes a directory, and what is left in it. */
  remove(directory: ByteString): Promise<void>
  /** An empty directory. */
  readonly empty: ByteString
  close(): Promise<void>
}

/**
 * Makes what is missing of it, and removes what a dead process left.
 * @throws SustenError `ERR_SUSTEN_LOCKED`; `ERR_SUSTEN_OPTION`: others can get into it; a system error
 */
export async function openStaging(path: ByteString, id: string): Promise<Staging> {
  // Sources that share a directory have one of their own each in it.
  const key = createHash('sha256').update(id).digest('hex').slice(0, 16)
  const root = `${path}/${key}` as ByteString
  const empty = `${root}/empty` as ByteString
  await makePrivate(path)
  const unlock = lockWith(`${path}/${key}.lock` as ByteString, path, 'the staging directory')
  try {
    await makePrivate(root)
    await sweep(root)
    await mkdir(bufferOfBytes(empty), { mode: 0o700 })
  } catch (error) {
    unlock()
    throw fromSystem(error, root)
  }
  let made = 0
  const remove = (directory: ByteString): Promise<void> =>
    rm(bufferOfBytes(directory), { recursive: true, force: true })
  return {
    empty,
    async make() {
      const directory = `${root}/${++made}` as ByteString
      await mkdir(bufferOfBytes(directory), { mode: 0o700 })
      return directory
    },
    async drop(directory, name) {
      await unlink(bufferOfBytes(`${directory}/${name}` as ByteString)).catch(ignoreMissing)
    },
    remove,
    async close() {
      await sweep(root).catch(() => {})
      await rmdir(bufferOfBytes(root)).catch(() => {})
      unlock()
    },
  }
}

async function sweep(root: ByteString): Promise<void> {
  for (const name of await readdir(bufferOfBytes(root), 'latin1')) {
    await rm(bufferOfBytes(`${root}/${name}` as ByteString), { recursive: true, force: true })
  }
}

/** A directory that belongs to whom this process runs as, and lets nobody else in. */
async function makePrivate(path: ByteString): Promise<void> {
  try {
    await mkdir(bufferOfBytes(path), { mode: 0o700 }).catch(ignoreExisting)
    const stats = await lstat(bufferOfBytes(path))
    if (stats.isDirectory() && stats.uid === process.geteuid?.() && (stats.mode & 0o077) === 0) return
  } catch (error) {
    throw fromSystem(error, path)
  }
  const text = `staging '${textOfBytes(path)}' must be a directory of this user's, with mode 700`
  throw new SustenError(text, { code: 'ERR_SUSTEN_OPTION', path: textOfBytes(path) })
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
