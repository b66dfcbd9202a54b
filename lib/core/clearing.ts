/**
 * Directories that are to go with an ended shift's files. Those in which the running shift has announced files stay,
 * empty or not: whoever made them may be about to write there.
 */
import { type ByteString, bytesOfText } from '../bytes.js'
import type { ReleaseOrder } from './commands.js'
import type { State } from './state.js'
import type { TierState } from './tier-state.js'

/** Directories that are remembered, and characters of their paths. With more of them none is removed in that shift. */
const mostDirectories = 1024
const mostCharacters = 65_536
/** Stands for those that are too many. No directory is called so. */
const tooMany = '//' as ByteString
/** Before a directory as it is replicated on storages: no path in the source begins so. */
const replicated = '/'

/** The running shift uses a file's directory. */
export function useDirectory(state: State, path: ByteString, cut: number): void {
  if (state.tiers.length === 0 || state.directories.has(tooMany)) return
  const end = path.lastIndexOf('/')
  if (end <= 0) return
  // Most files come to where the one before came. Those above a directory that is known are known.
  if (!state.directories.has(path.slice(0, end) as ByteString)) for (const one of parents(path)) use(state, one)
  if (end <= cut || state.directories.has(`${replicated}${path.slice(cut, end)}` as ByteString)) return
  for (const one of parents(path.slice(cut))) use(state, `${replicated}${one}` as ByteString)
}

function use(state: State, directory: ByteString): void {
  const { directories } = state
  if (directories.has(directory) || directories.has(tooMany)) return
  state.directoryCharacters += directory.length
  const isRoom = directories.size < mostDirectories && state.directoryCharacters <= mostCharacters
  directories.add(isRoom ? directory : tooMany)
  state.out.directories = true
}

/** A shift begins. Its user's directory is used from the start: it may have been made beforehand. */
export function beginDirectories(state: State, userDirectory: string | undefined): void {
  state.directories.clear()
  state.directoryCharacters = 0
  state.out.directories = true
  if (userDirectory === undefined) return
  const names = userDirectory.split('/').filter((name) => name !== '' && name !== '.')
  useDirectory(state, bytesOfText([...names, ''].join('/')), 0)
}

/** Keeps the running shift's directories in mind until its files have left all tiers. */
export function keepDirectories(state: State, shift: number): void {
  if (state.directories.size > 0) state.endedDirectories.set(shift, [...state.directories])
}

export function forgetDirectories(state: State, shift: number): void {
  if (state.endedDirectories.delete(shift)) state.out.directories = true
}

/** What the journal keeps of them. */
export interface StoredDirectories {
  readonly running: readonly ByteString[]
  /** By the number of an ended shift. */
  readonly ended: readonly (readonly [number, readonly ByteString[]])[]
}

export const storeDirectories = ({ directories, endedDirectories }: State): StoredDirectories => ({
  running: [...directories],
  ended: [...endedDirectories],
})

/** Directories that may be empty once these files are gone, deepest first. */
export function directoriesOf(state: State, tier: TierState, files: readonly ReleaseOrder[]): ByteString[] {
  if (state.directories.has(tooMany)) return []
  const directories = new Set<ByteString>()
  for (const { path, cut, by } of files) {
    if (by !== 'clear') continue
    const [name, prefix] = tier.storage === undefined ? [path, ''] : [path.slice(cut), replicated]
    for (const directory of parents(name)) {
      // Those above one that was met were met with it.
      if (directories.has(directory) || state.directories.has(`${prefix}${directory}` as ByteString)) break
      directories.add(directory)
    }
  }
  return deepestFirst([...directories])
}

/** What is left empty of an ended shift goes, once its files have left: those deleted while it ran left directories. */
export function removeDirectories(state: State, tier: TierState, shift: number): void {
  const used = state.endedDirectories.get(shift) ?? []
  if (state.directories.has(tooMany) || used.includes(tooMany)) return
  const isBuffer = tier.storage === undefined
  const left = used.filter((name) => name.startsWith(replicated) !== isBuffer && !state.directories.has(name))
  if (left.length === 0) return
  const directories = left.map((name) => (isBuffer ? name : (name.slice(replicated.length) as ByteString)))
  state.out.commands.push({
    type: 'release',
    tier: tier.config.id,
    to: tier.config.next,
    identity: tier.storage?.identity,
    toIdentity: state.byId.get(tier.config.next)?.identity,
    files: [],
    directories: deepestFirst(directories),
  })
}

const deepestFirst = (directories: readonly ByteString[]): ByteString[] =>
  [...directories].sort((a, b) => b.split('/').length - a.split('/').length)

/** The directories above a file, deepest first. */
function* parents(path: string): Generator<ByteString> {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    yield path.slice(0, end) as ByteString
  }
}
