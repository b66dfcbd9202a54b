/**
 * A private directory for what was fetched: nobody else gets into it, and nothing in it outlives its source. It is looked
 * at whenever it is needed, and made again if it is gone, as with a RAM disk that was mounted anew.
 */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readdir, rm, rmdir, unlink } from 'node:fs/promises'
import { posix } from 'node:path'
import { type ByteString, bufferOfBytes, bytesOfBuffer, textOfBytes } from '../../bytes.js'
import { fromSystem, SustenError } from '../../errors.js'
import { lockWith } from '../../file-lock.js'
import { isWithin } from '../../paths.js'
import { volume } from '../../volume.js'
import { isPrivate, notPrivate, safeParent } from './staging-place.js'

export interface Staging {
  /** A new directory. */
  make(): Promise<ByteString>
  /** @throws SustenError `ERR_SUSTEN_STORAGE`: a directory isn't there any more, nor what was in it */
  expect(directory: ByteString): Promise<void>
  /** Removes a file that was fetched. */
  drop(directory: ByteString, name: ByteString): Promise<void>
  /** Removes a directory, and what is left in it. */
  remove(directory: ByteString): Promise<void>
  /** An empty directory. */
  empty(): Promise<ByteString>
  close(): Promise<void>
}

export interface StagingOptions {
  readonly path: ByteString
  /** Sources that share a directory have one of their own each in it. */
  readonly id: string
  /** While nothing is mounted here, nothing is made below it, and nothing used. */
  readonly requiredMount: ByteString | undefined
}

/** What of this source stands in the staging directory. */
interface Standing {
  readonly dev: bigint
  readonly ino: bigint
  readonly unlock: () => void
}

/** It is gone through, not read: others' directories on the way may forbid that. */
const O_PATH = 0o10000000
const PLACE = O_PATH | constants.O_DIRECTORY
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

/**
 * Makes what is missing of it, and removes what a dead process left. All calls that need it look at all of it anew.
 * @throws SustenError `ERR_SUSTEN_LOCKED`; `ERR_SUSTEN_OPTION`: others can get into it, or exchange it;
 *   `ERR_SUSTEN_STORAGE`: nothing is mounted where it must be; a system error
 */
export async function openStaging({ path, id, requiredMount }: StagingOptions): Promise<Staging> {
  const key = createHash('sha256').update(id).digest('hex').slice(0, 16)
  const root = `${path}/${key}` as ByteString
  let standing: Standing | undefined
  let made = 0
  let last: Promise<unknown> = Promise.resolve()

  /** One after the other, so that nobody looks at what is half made. */
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = last.then(work)
    last = mine.catch(() => {})
    return mine
  }

  /** Works in this source's directory, which is whole then. It is held open: what is done is done there, or nowhere. */
  async function within<T>(work: (own: FileHandle) => Promise<T>): Promise<T> {
    try {
      await using directory = await openWhole()
      await using own = await openOrMake(directory, key)
      const { dev, ino } = await own.stat({ bigint: true })
      if (standing?.dev !== dev || standing.ino !== ino) await settle(directory, own, dev, ino)
      return await work(own)
    } catch (error) {
      throw fromSystem(error, root)
    }
  }

  /** The directory that sources share. */
  async function openWhole(): Promise<FileHandle> {
    const parent = await safeParent(path)
    const name = posix.basename(path)
    const isMeant = requiredMount !== undefined && isWithin(requiredMount, `${parent}/${name}`)
    await using above = await open(bufferOfBytes(`${parent}/` as ByteString), PLACE)
    const known = await openPrivate(above, name)
    if (known === undefined && isMeant) await checkMount(above)
    const directory = known ?? (await openOrMake(above, name))
    try {
      if (isMeant) await checkMount(directory)
    } catch (error) {
      await directory.close()
      throw error
    }
    return directory
  }

  async function openOrMake(above: FileHandle, name: string): Promise<FileHandle> {
    const known = await openPrivate(above, name)
    if (known !== undefined) return known
    await mkdir(nameIn(above, name), { mode: 0o700 }).catch(ignoreExisting)
    const directory = await openPrivate(above, name)
    if (directory === undefined) throw goneError(path)
    return directory
  }

  /** Undefined: there is nothing. */
  async function openPrivate(above: FileHandle, name: string): Promise<FileHandle | undefined> {
    let directory: FileHandle | undefined
    try {
      directory = await open(nameIn(above, name), DIRECTORY)
      if (isPrivate(await directory.stat())) return directory
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : ''
      if (code === 'ENOENT') return undefined
      if (!foreign.has(code)) throw fromSystem(error, path)
    }
    await directory?.close()
    throw notPrivate(path)
  }

  async function checkMount(directory: FileHandle): Promise<void> {
    const { mountPointBytes } = await volume(bytesOfBuffer(nameIn(directory, '')))
    if (requiredMount === undefined || isWithin(requiredMount, bytesOfBuffer(mountPointBytes))) return
    // A lock that is held would keep a RAM disk that was unmounted, and its memory.
    leave()
    const text = `nothing is mounted at '${textOfBytes(requiredMount)}', where staging '${textOfBytes(path)}' must be`
    throw new SustenError(text, { code: 'ERR_SUSTEN_STORAGE', syscall: 'mount', path: textOfBytes(path) })
  }

  /** It is new, or another one than before: the lock that was held guards it no longer. */
  async function settle(directory: FileHandle, own: FileHandle, dev: bigint, ino: bigint): Promise<void> {
    leave()
    const lock = bytesOfBuffer(nameIn(directory, `${key}.lock`))
    const unlock = lockWith(lock, path, 'the staging directory')
    try {
      await sweep(own)
      await mkdir(nameIn(own, 'empty'), { mode: 0o700 })
    } catch (error) {
      unlock()
      throw error
    }
    standing = { dev, ino, unlock }
  }

  function leave(): void {
    standing?.unlock()
    standing = undefined
  }

  const remove = (directory: ByteString): Promise<void> =>
    rm(bufferOfBytes(directory), { recursive: true, force: true })

  await alone(() => within(async () => {}))
  return {
    make: () =>
      alone(() =>
        within(async (own) => {
          // Never a number twice: who has the directory of that number from before may remove it yet.
          const name = String(++made)
          await mkdir(nameIn(own, name), { mode: 0o700 })
          return `${root}/${name}` as ByteString
        }),
      ),
    empty: () =>
      alone(() =>
        within(async (own) => {
          await mkdir(nameIn(own, 'empty'), { mode: 0o700 }).catch(ignoreExisting)
          return `${root}/empty` as ByteString
        }),
      ),
    async expect(directory) {
      const stats = await lstat(bufferOfBytes(directory)).catch(() => undefined)
      if (!stats?.isDirectory()) throw goneError(path)
    },
    async drop(directory, name) {
      await unlink(bufferOfBytes(`${directory}/${name}` as ByteString)).catch(ignoreMissing)
    },
    remove,
    close: () =>
      alone(async () => {
        // What isn't there any more, or can't be got at, isn't swept; and nothing is made.
        const { dev, ino } = standing ?? {}
        const own = await open(bufferOfBytes(root), DIRECTORY).catch(() => undefined)
        const found = await own?.stat({ bigint: true })
        if (own !== undefined && found !== undefined && found.dev === dev && found.ino === ino) {
          await sweep(own).catch(() => {})
          await rmdir(bufferOfBytes(root)).catch(() => {})
        }
        await own?.close()
        leave()
      }),
  }
}

async function sweep(directory: FileHandle): Promise<void> {
  for (const name of await readdir(nameIn(directory, ''), 'latin1')) {
    await rm(nameIn(directory, name), { recursive: true, force: true })
  }
}

/** Something is there that is no directory, or no way for this user. */
const foreign = new Set(['ENOTDIR', 'ELOOP', 'EACCES'])

const nameIn = (directory: FileHandle, name: string): Buffer =>
  bufferOfBytes(`/proc/self/fd/${directory.fd}/${name}` as ByteString)

function goneError(path: ByteString): SustenError {
  const text = `ERR_SUSTEN_STORAGE: staging '${textOfBytes(path)}' went away meanwhile`
  return new SustenError(text, { code: 'ERR_SUSTEN_STORAGE', path: textOfBytes(path) })
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
