/** A journal's files in a directory of a file system. */
import { constants } from 'node:fs'
import { type FileHandle, open, readdir, readFile, rename, unlink } from 'node:fs/promises'
import { bytesOfText } from '../bytes.js'
import { fromSystem, SustenError } from '../errors.js'
import { syncDirectory } from './directory.js'
import type { AppendFile, JournalFiles } from './files.js'
import { unfinishedName } from './format.js'

/**
 * @param directory Absolute; it must be there.
 * @param unlock Gives back the lock that was taken for it.
 */
export function diskFiles(directory: string, unlock: () => void): JournalFiles {
  const pathOf = (name: string): string => `${directory}/${name}`
  const { O_RDWR, O_CREAT, O_TRUNC, O_NOFOLLOW, O_DSYNC } = constants
  return {
    directory,
    list: () => named(directory, () => readdir(directory)),
    read: (name) => named(pathOf(name), () => readFile(pathOf(name))),
    async create(name, content) {
      const path = pathOf(name)
      const unfinished = pathOf(unfinishedName(name))
      const flags = O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_DSYNC
      const handle = await named(unfinished, () => open(unfinished, flags, 0o600))
      try {
        await writeAll(handle, content, 0)
        await handle.sync()
        await rename(unfinished, path)
        await syncDirectory(directory)
        return appendFile(handle, path)
      } catch (error) {
        await handle.close().catch(() => {}) // The first error counts.
        throw fromSystem(error, bytesOfText(path))
      }
    },
    async open(name) {
      const path = pathOf(name)
      return appendFile(await named(path, () => open(path, O_RDWR | O_NOFOLLOW | O_DSYNC)), path)
    },
    async settle(names) {
      for (const name of names) await named(pathOf(name), () => syncFile(pathOf(name)))
      await named(directory, () => syncDirectory(directory))
    },
    truncate: (name, length) =>
      named(pathOf(name), async () => {
        const handle = await open(pathOf(name), O_RDWR | O_NOFOLLOW)
        try {
          await handle.truncate(length)
          await handle.sync()
        } finally {
          await handle.close()
        }
      }),
    remove: (name) =>
      named(pathOf(name), async () => {
        await unlink(pathOf(name))
        await syncDirectory(directory)
      }),
    release: async () => unlock(),
  }
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Of a file that is open with O_DSYNC: what is written is durable then, without another turn in Node's thread pool. */
function appendFile(handle: FileHandle, path: string): AppendFile {
  return {
    append: (bytes, position) => named(path, () => writeAll(handle, bytes, position)),
    close: () => named(path, () => handle.close()),
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    if (bytesWritten === 0)
      throw new SustenError('nothing could be written', { code: 'EIO', errno: -5, syscall: 'write' })
    done += bytesWritten
  }
}

/** Errors of the file system name the file. */
async function named<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw fromSystem(error, bytesOfText(path))
  }
}
