/** A private directory beside a target, on its file system: what comes the slow way is put together there. */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rmdir, statfs, unlink } from 'node:fs/promises'
import { type ByteString, bufferOfBytes, textOfBytes } from '../../bytes.js'
import { SustenError } from '../../errors.js'
import { join } from '../../storage/index.js'
import { nameIn, openDirectory, pathOf } from './beneath.js'

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants

/** What files in it are called: nothing else is ever removed. */
const ours = /^\d+\.part$/
/** How many names are tried, where others take them first. */
const attempts = 10

/** An open staging directory. */
export interface Stage {
  /** For the engine. */
  readonly root: ByteString
  /** A name that no other file has. */
  name(): ByteString
  /** Makes a file to be written. */
  create(name: ByteString): Promise<FileHandle>
  /** Bytes that are left on its file system, as an unprivileged writer sees it. */
  room(): Promise<number>
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
  const names = new RegExp(`^\\.susten-${tag}-([0-9a-f]+-)?staging$`)
  let path = pathFor('')
  let last = 0
  /** Nothing is made before what a dead process left is gone. */
  let swept: Promise<void> | undefined
  let users = 0
  /** The directory goes when nobody needs it; who comes meanwhile waits, and makes it anew. */
  let leaving: Promise<void> = Promise.resolve()
  /** Removals that go wrong are made up for at the next start. */
  const ignore = (): void => {}

  function pathFor(mark: string): Buffer {
    return bufferOfBytes(join(root, `.susten-${tag}-${mark}staging` as ByteString))
  }

  async function openOrMake(): Promise<FileHandle> {
    await check(root)
    let refused: unknown
    for (let attempt = 0; attempt < attempts; attempt++) {
      try {
        return await openPrivate(path)
      } catch (error) {
        if (hasCode(error, 'ENOENT')) await make(path)
        else if (!isForeign(error)) throw error
        // Who may write beside the target can take every name that is known: not one that isn't.
        else path = pathFor(`${randomBytes(8).toString('hex')}-`)
        refused = error
      }
    }
    throw refused
  }

  async function empty(directory: FileHandle): Promise<void> {
    const names = await readdir(pathOf(directory), { encoding: 'latin1' })
    for (const name of names) if (ours.test(name)) await unlink(nameIn(directory, name)).catch(ignore)
  }

  async function within<T>(work: (stage: Stage) => Promise<T>): Promise<T> {
    const directory = await openOrMake()
    try {
      await check(pathOf(directory))
      return await work({
        root: pathOf(directory),
        name: () => `${++last}.part` as ByteString,
        create: (name) => open(nameIn(directory, name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600),
        room: () => roomIn(directory),
        remove: (name) => unlink(nameIn(directory, name)).catch(ignore),
      })
    } finally {
      await directory.close()
    }
  }

  /** All of this tag's directories that are this process's own. */
  async function sweepAll(): Promise<void> {
    try {
      for (const name of await readdir(bufferOfBytes(root), { encoding: 'latin1' })) {
        if (names.test(name)) await sweepOne(bufferOfBytes(join(root, name as ByteString))).catch(ignore)
      }
    } catch {
      swept = undefined
    }
  }

  async function sweepOne(left: Buffer): Promise<void> {
    const directory = await openPrivate(left)
    try {
      await empty(directory)
    } finally {
      await directory.close()
    }
    await rmdir(left)
  }

  return {
    async use(work) {
      users += 1
      try {
        await leaving
        swept ??= sweepAll()
        await swept
        return await within(work)
      } finally {
        users -= 1
        if (users === 0) leaving = rmdir(path).catch(ignore)
      }
    },
    sweep() {
      swept = sweepAll()
      return swept
    },
  }
}

/** @throws SustenError `EPERM`: others can get into it; a system error */
async function openPrivate(path: Buffer): Promise<FileHandle> {
  const directory = await openDirectory(path)
  const { uid, mode } = await directory.stat()
  if (uid === process.geteuid?.() && (mode & 0o077) === 0) return directory
  await directory.close()
  const shown = textOfBytes(path.toString('latin1') as ByteString)
  const details = { code: 'EPERM', errno: -1, syscall: 'open', path: shown }
  throw new SustenError(`directory '${shown}' is open to others, or somebody else's; remove it`, details)
}

async function make(path: Buffer): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error
  })
}

async function roomIn(directory: FileHandle): Promise<number> {
  const { blocks, bavail, bsize } = await statfs(pathOf(directory))
  // Without a size, as a tmpfs may be: it doesn't say.
  return blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize
}

/** Something is there, and isn't this process's. */
const isForeign = (error: unknown): boolean =>
  ['EPERM', 'EACCES', 'ENOTDIR', 'ELOOP'].some((code) => hasCode(error, code))

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
