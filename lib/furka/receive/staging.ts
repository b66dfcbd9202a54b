/** A private directory beside a target, on its file system: what comes the slow way is put together there. */
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rmdir, unlink } from 'node:fs/promises'
import { type ByteString, bufferOfBytes, textOfBytes } from '../../bytes.js'
import { SustenError } from '../../errors.js'
import { join } from '../../storage/index.js'
import { nameIn, openDirectory, pathOf } from './beneath.js'

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants

/** What files in it are called: nothing else is ever removed. */
const ours = /^\d+\.part$/

/** An open staging directory. */
export interface Stage {
  /** For the engine. */
  readonly root: ByteString
  /** A name that no other file has. */
  name(): ByteString
  /** Makes a file to be written. */
  create(name: ByteString): Promise<FileHandle>
  /** Removes a file, if it is there. */
  remove(name: ByteString): Promise<void>
}

export interface Staging {
  /** Opens the directory for as long as something works with it: an open one would hold its file system mounted. */
  use<T>(work: (stage: Stage) => Promise<T>): Promise<T>
  /** Removes what a dead process left there. What goes wrong doesn't matter: it is tried again at the first use. */
  sweep(): Promise<void>
}

/**
 * @param tag Letters and digits that no other running process uses: what is there is nobody else's.
 * @param check Called with an open directory's path: throws if nothing may be written there.
 */
export function createStaging(root: ByteString, tag: string, check: (path: ByteString) => Promise<void>): Staging {
  const path = bufferOfBytes(join(root, `.susten-${tag}-staging`))
  let last = 0
  let swept = false
  let users = 0
  /** The directory goes when nobody needs it; who comes meanwhile waits, and makes it anew. */
  let leaving: Promise<void> = Promise.resolve()
  /** Removals that go wrong are made up for at the next start. */
  const ignore = (): void => {}

  async function openPrivate(): Promise<FileHandle> {
    const directory = await openDirectory(path)
    const { uid, mode } = await directory.stat()
    if (uid === process.geteuid?.() && (mode & 0o077) === 0) return directory
    await directory.close()
    const text = `'${textOfBytes(root)}' has a directory '.susten-${tag}-staging' that is open to others; remove it`
    throw new SustenError(text, { code: 'EPERM', syscall: 'open', path: path.toString('utf8') })
  }

  async function openOrMake(): Promise<FileHandle> {
    await check(root)
    try {
      return await openPrivate()
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
    }
    await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error
    })
    return openPrivate()
  }

  async function empty(directory: FileHandle): Promise<void> {
    const names = await readdir(pathOf(directory), { encoding: 'latin1' })
    for (const name of names) if (ours.test(name)) await unlink(nameIn(directory, name)).catch(ignore)
    swept = true
  }

  async function within<T>(work: (stage: Stage) => Promise<T>): Promise<T> {
    const directory = await openOrMake()
    try {
      await check(pathOf(directory))
      if (!swept) await empty(directory)
      return await work({
        root: pathOf(directory),
        name: () => `${++last}.part` as ByteString,
        create: (name) => open(nameIn(directory, name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600),
        remove: (name) => unlink(nameIn(directory, name)).catch(ignore),
      })
    } finally {
      await directory.close()
    }
  }

  return {
    async use(work) {
      users += 1
      try {
        await leaving
        return await within(work)
      } finally {
        users -= 1
        if (users === 0) leaving = rmdir(path).catch(ignore)
      }
    },
    async sweep() {
      const directory = await openPrivate().catch(ignore)
      if (directory === undefined) return
      await empty(directory).catch(ignore)
      await directory.close()
      await rmdir(path).catch(ignore)
    },
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
