/** Where the demo works: a buffer, two storages, a journal. Finds room, and removes what was made. */
import { constants } from 'node:fs'
import { access, mkdir, mkdtemp, readdir, rm, rmdir, statfs, unlink } from 'node:fs/promises'
import { freemem, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { size } from './format.js'

/** The directories of one run, all absolute. */
export interface Places {
  readonly buffer: string
  readonly internal: string
  readonly external: string
  readonly journal: string
  /** What the user should know about the choice. */
  readonly remarks: readonly string[]
  /**
   * Removes what was made: temporary directories with all that is in them; of the user's directories only `names` (and
   * temp files of the engine and Furka), then the directories that are empty and weren't there before. Never rejects.
   * @returns What is still there, in or besides the user's directories.
   */
  readonly remove: (names: Iterable<string>) => Promise<string[]>
}

/** A directory that can't be used, or no room: the message says what to do. */
export class PlaceError extends Error {}

const TMPFS = 0x0102_1994
/** Room that must be left on a volume, besides what is written. */
const SLACK = 64e6

type Given = Readonly<Record<'buffer' | 'internal' | 'external', string | undefined>>

/**
 * Prepares the directories for about `bytes` of files each; those of the user's must be empty or new.
 * @throws PlaceError if a directory can't be used or there is no room. Nothing is left behind then.
 */
export async function openPlaces(wanted: Given, bytes: number): Promise<Places> {
  const given = await checkGiven(wanted)
  const remarks: string[] = []
  const own: string[] = []
  const made: string[] = []
  const remove = async (names: Iterable<string>): Promise<string[]> => {
    const known = [...names]
    const directories = Object.values(given).filter((directory) => directory !== undefined)
    for (const directory of directories) await removeKnown(directory, known)
    const left: string[] = []
    for (const directory of own) {
      const removal = rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
      await removal.catch(() => left.push(directory))
    }
    for (const directory of made.reverse()) await rmdir(directory).catch(() => {})
    for (const directory of directories) {
      for (const name of await readdir(directory).catch(() => [])) left.push(join(directory, name))
    }
    return left
  }
  const take = async (path: string): Promise<string> => {
    const first = await mkdir(path, { recursive: true, mode: 0o755 })
    if (first !== undefined) made.push(...between(first, path))
    return path
  }
  try {
    const storages = [given.internal, given.external].filter((path) => path === undefined).length
    const shared = given.buffer === undefined ? await sharedMemory(bytes) : undefined
    const onDisk = storages + (given.buffer === undefined && shared === undefined ? 1 : 0)
    const room = await findRoom(bytes * onDisk)
    const folder = await temporary(room.path, own)
    if (room.memory && storages > 0) remarks.push(`no disk with room was found: the storages are in memory, ${folder}`)
    if (given.buffer === undefined && shared === undefined) {
      remarks.push(`no tmpfs with room was found: the buffer is in ${folder}`)
    }
    const places = {
      buffer: await take(given.buffer ?? join(shared === undefined ? folder : await temporary(shared, own), 'buffer')),
      internal: await take(given.internal ?? join(folder, 'internal')),
      external: await take(given.external ?? join(folder, 'external')),
      journal: await take(join(folder, 'journal')),
    }
    for (const path of Object.values(given)) if (path !== undefined) await checkRoom(path, bytes)
    return { ...places, remarks, remove }
  } catch (error) {
    await remove([])
    if (error instanceof PlaceError || !(error instanceof Error)) throw error
    throw new PlaceError(error.message, { cause: error })
  }
}

/** The user's directories: absolute, empty or new, and none inside another. */
async function checkGiven(wanted: Given): Promise<Given> {
  const given: Record<keyof Given, string | undefined> = { buffer: undefined, internal: undefined, external: undefined }
  const seen: { name: string; path: string }[] = []
  for (const name of ['buffer', 'internal', 'external'] as const) {
    const directory = wanted[name]
    if (directory === undefined) continue
    const path = resolve(directory)
    for (const other of seen) {
      if (`${path}/`.startsWith(`${other.path}/`) || `${other.path}/`.startsWith(`${path}/`)) {
        throw new PlaceError(`--${name} ${path} and --${other.name} ${other.path} must not be one inside the other`)
      }
    }
    const entries = await readdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw new PlaceError(`--${name} ${path} can't be used: ${error.code ?? error.message}`)
    })
    if (entries.length > 0) throw new PlaceError(`--${name} ${path} must be empty or new`)
    seen.push({ name, path })
    given[name] = path
  }
  return given
}

/** A tmpfs for the buffer: `/dev/shm`, if it may be written and neither it nor the memory gets tight. */
async function sharedMemory(bytes: number): Promise<string | undefined> {
  const path = '/dev/shm'
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY
  const memory = Math.min(freemem(), limit)
  if (bytes * 2 + SLACK > memory || !(await isTmpfs(path))) return undefined
  return (await roomOn(path)) > bytes * 1.2 + SLACK ? path : undefined
}

/** A place for temporary files with room, on a disk rather than in memory. */
async function findRoom(bytes: number): Promise<{ path: string; memory: boolean }> {
  const candidates = [...new Set([tmpdir(), '/var/tmp', process.cwd()])]
  const rooms = await Promise.all(
    candidates.map(async (path) => ({ path, room: await roomOn(path), memory: await isTmpfs(path) })),
  )
  const enough = rooms.filter(({ room }) => room > bytes * 1.2 + SLACK)
  const best = enough.find(({ memory }) => !memory) ?? enough[0]
  if (best !== undefined) return best
  const found = rooms.map(({ path, room }) => `${path} (${size(room)} free)`).join(', ')
  throw new PlaceError(`${size(bytes * 1.2 + SLACK)} are needed; there is no room in ${found}`)
}

async function checkRoom(path: string, bytes: number): Promise<void> {
  const room = await roomOn(path)
  if (room > bytes * 1.1) return
  throw new PlaceError(`${path} has ${size(room)} free, and ${size(bytes * 1.1)} are needed: lower --seconds or --rate`)
}

/** Bytes free for this user where it may write; 0 where it may not. */
async function roomOn(path: string): Promise<number> {
  try {
    await access(path, constants.W_OK | constants.X_OK)
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  } catch {
    return 0
  }
}

async function isTmpfs(path: string): Promise<boolean> {
  return await statfs(path).then(
    ({ type }) => type === TMPFS,
    () => false,
  )
}

async function temporary(parent: string, own: string[]): Promise<string> {
  const path = await mkdtemp(join(parent, 'susten-demo-'))
  own.push(path)
  return path
}

/** The directories from `first` down to `last`, both included. */
function between(first: string, last: string): string[] {
  const directories = [last]
  for (let path = last; path !== first; ) {
    path = dirname(path)
    directories.unshift(path)
  }
  return directories
}

/** Removes the named files, temp files of the engine and Furka, and the directories that held them if they are empty then. */
async function removeKnown(root: string, names: readonly string[]): Promise<void> {
  const directories = new Set<string>([''])
  // What comes the slow way is put together there.
  for (const entry of await readdir(root).catch(() => [])) {
    const staging = /^\.susten-.*-staging$/.test(entry)
    if (staging) await rm(join(root, entry), { recursive: true, force: true }).catch(() => {})
  }
  for (const name of names) {
    for (let parent = dirname(name); parent !== '.'; parent = dirname(parent)) directories.add(parent)
    await unlink(join(root, name)).catch(() => {})
  }
  // The deepest first.
  for (const directory of [...directories].sort((a, b) => b.length - a.length)) {
    const path = join(root, directory)
    for (const entry of await readdir(path).catch(() => [])) {
      if (/^\.susten-.*\.tmp$/.test(entry)) await unlink(join(path, entry)).catch(() => {})
    }
    if (directory !== '') await rmdir(path).catch(() => {})
  }
}
