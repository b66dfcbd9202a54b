/** What must be there before a daemon begins: looked at before it makes anything, and before one that runs is stopped. */
import { posix } from 'node:path'
import { bytesOfText, textOfBytes } from '../bytes.js'
import { quoted } from '../config/index.js'
import type { Failure, VolumeReading } from '../core/index.js'
import { fromNative, SustenError, withMessage } from '../errors.js'
import { checkPlace } from '../place.js'
import { watchVolume } from '../storage/index.js'

/** A path, and how the configuration file calls it: `TARGET_DIR`, `detector '16M': target`. */
export interface Named {
  readonly key: string
  readonly path: string
}

/** A directory that is never made. */
export interface NeededDirectory extends Named {
  /** It must lie on the file system that is mounted exactly here. */
  readonly mount?: Named | undefined
  /** What can't be written to is of no use. */
  readonly isWritten?: boolean
  /** Who names it instead of the configuration: `-d`. */
  readonly by?: string | undefined
}

/** What is made where it is missing, in a place that must be safe. */
export interface MadeThing {
  /** Comes before what `check` says. */
  readonly key: string
  /** It isn't looked at while nothing is mounted there. */
  readonly mount: Named | undefined
  /** @throws SustenError why it can't be there */
  readonly check: () => Promise<void>
}

export interface Needs {
  readonly directories: readonly NeededDirectory[]
  readonly made?: readonly MadeThing[]
  /** Files that are made. */
  readonly files: readonly Named[]
}

/** Milliseconds after which a file system that doesn't answer hangs. */
const patience = 10_000

type Look = { readonly volume: VolumeReading } | { readonly failure: Failure }

/** @throws SustenError the first thing that is missing; where several are, all of them in `failures` */
export async function checkNeeds({ directories, made = [], files }: Needs): Promise<void> {
  const mounts = directories.flatMap(({ mount }) => (mount === undefined ? [] : [mount]))
  const paths = new Set([...mounts, ...directories].map(({ path }) => path))
  const looks = new Map(await Promise.all([...paths].map(async (path) => [path, await look(path)] as const)))
  const bad = new Map<string, SustenError>()
  for (const mount of mounts) {
    const error = mountError(mount, looks.get(mount.path))
    if (error !== undefined) bad.set(mount.path, error)
  }
  const all = [...bad.values()]
  for (const directory of directories) {
    const { path, mount } = directory
    // What lies on a file system that isn't there needs no word of its own.
    if (bad.has(path) || (mount !== undefined && bad.has(mount.path))) continue
    const error = directoryError(directory, looks.get(path))
    if (error !== undefined) all.push(error)
  }
  for (const { key, mount, check } of made) {
    if (mount !== undefined && bad.has(mount.path)) continue
    await check().catch((error: unknown) => {
      if (!(error instanceof SustenError)) throw error
      all.push(withMessage(error, `${key}: ${error.message}`))
    })
  }
  for (const file of files) all.push(...placeErrors(file))
  const [first] = all
  if (first === undefined) return
  if (all.length === 1) throw first
  const { code, errno, syscall, path } = first
  throw new SustenError(all.map(({ message }) => message).join('; '), { code, errno, syscall, path, failures: all })
}

async function look(path: string): Promise<Look> {
  let seen: Look | undefined
  const bytes = bytesOfText(path)
  const watch = watchVolume({
    path: bytes,
    interval: patience,
    patience,
    onReading: (volume) => {
      seen = { volume }
    },
    onFailure: (failure) => {
      seen = { failure }
    },
  })
  await watch.refresh()
  // One that hangs isn't waited for.
  void watch.close()
  return seen ?? { failure: { code: 'ETIMEDOUT', errno: 110, syscall: 'statvfs', path: bytes } }
}

function mountError({ key, path }: Named, found: Look | undefined): SustenError | undefined {
  if (found === undefined) return undefined
  const name = `${key} ${quoted(path)}`
  if ('failure' in found) {
    return failureError(
      name,
      path,
      found.failure,
      'make the directory and mount the RAM disk there, or correct the key',
    )
  }
  if (textOfBytes(found.volume.mountPoint) === path) return undefined
  return mistake(`nothing is mounted at ${name}: mount it, or correct the key`, path)
}

function directoryError(
  { key, path, by, mount, isWritten = false }: NeededDirectory,
  found: Look | undefined,
): SustenError | undefined {
  if (found === undefined) return undefined
  const name = `${key} ${quoted(path)}${by === undefined ? '' : `, as ${by} gives it,`}`
  const correct = `correct ${by ?? 'the key'}`
  if ('failure' in found) return failureError(name, path, found.failure, `make the directory, or ${correct}`)
  const { mountPoint, readOnly } = found.volume
  const at = textOfBytes(mountPoint)
  if (mount !== undefined && at !== mount.path) {
    const wanted = `${mount.key} ${quoted(mount.path)}`
    return mistake(
      `${name} lies on the file system at ${quoted(at)}, not on ${wanted}; unmount that, or ${correct}`,
      path,
    )
  }
  if (!isWritten || !readOnly) return undefined
  return new SustenError(`${name} is mounted read-only: mount it anew, or ${correct}`, { code: 'EROFS', path })
}

function failureError(name: string, path: string, failure: Failure, whatToDo: string): SustenError {
  const { code, errno, syscall } = failure
  const details = { code, errno: -errno, syscall, path }
  if (code === 'ENOENT') return new SustenError(`${name} isn't there: ${whatToDo}`, details)
  if (code === 'ENOTDIR') return new SustenError(`${name} is no directory: ${whatToDo}`, details)
  if (code === 'ETIMEDOUT') return new SustenError(`${name} doesn't answer: look after its file system`, details)
  const { message } = fromNative({ ...failure, path: bytesOfText(path) })
  return new SustenError(`${name} can't be used: ${message}`, details)
}

const mistake = (text: string, path: string): SustenError =>
  new SustenError(text, { code: 'ERR_SUSTEN_STORAGE', syscall: 'mount', path })

/** Whether the directory that a file is made in is there, and nobody else's. */
function placeErrors({ key, path }: Named): readonly SustenError[] {
  try {
    checkPlace(bytesOfText(path), 'it')
    return []
  } catch (error) {
    if (!(error instanceof SustenError)) throw error
    const { code, errno, syscall } = error
    const directory = posix.dirname(path)
    const isMissing = code === 'ENOENT'
    const why = isMissing ? `there is no directory ${quoted(directory)}; make it, or correct the key` : error.message
    return [new SustenError(`${key} ${quoted(path)}: ${why}`, { code, errno, syscall, path: directory })]
  }
}
