/** Older contents beside a file, which were kept under versioned names. */
import { lstat, readdir } from 'node:fs/promises'
import { type ByteString, bufferOfBytes } from '../bytes.js'

/** As the engine makes them: `native/commit/place.cc`, version_name(). */
const longestName = 255
const mostCounted = 256
const suffixes = /\.~(?:([1-9]\d{0,2})|[0-9a-f]{16})~$/
/** How long what is appended may be: the name before it is cut, so that the whole fits. */
const suffixLengths = [4, 5, 6, 19]

interface Version {
  readonly name: string
  /** What the engine appended. */
  readonly suffix: string
  /** In the order in which they are taken. */
  readonly number: number
}

/** The names of a directory under which something may be kept, by what is before the suffix. */
type Versions = ReadonlyMap<string, readonly Version[]>

type List = (directory: ByteString) => Promise<Versions>

/** Lists each directory once: for a look beside many files, which costs little then, also in large directories. */
export function listOnce(): List {
  const lists = new Map<ByteString, Promise<Versions>>()
  return (directory) => {
    const list = lists.get(directory) ?? listVersions(directory)
    lists.set(directory, list)
    return list
  }
}

/** @param path Absolute. @param itself Whether what lies under the name counts, too. */
export async function contentsBeside(
  path: ByteString,
  itself = false,
  list: List = listVersions,
): Promise<readonly ByteString[]> {
  const slash = path.lastIndexOf('/')
  const directory = path.slice(0, slash + 1) as ByteString
  const names = versionsOf(path.slice(slash + 1), await list(directory))
  const versions = names.map((name) => `${directory}${name}` as ByteString)
  const found: ByteString[] = []
  for (const candidate of [...(itself ? [path] : []), ...versions]) {
    if (await isFile(candidate)) found.push(candidate)
  }
  return found
}

function versionsOf(name: string, versions: Versions): string[] {
  const room = new Set(suffixLengths.map((length) => name.slice(0, longestName - length)))
  return [...room]
    .flatMap((stem) =>
      (versions.get(stem) ?? []).filter(({ suffix }) => stem === name.slice(0, longestName - suffix.length)),
    )
    .sort((one, other) => one.number - other.number)
    .map((version) => version.name)
}

/** Nothing for a directory that isn't there, or can't be read. */
async function listVersions(directory: ByteString): Promise<Versions> {
  const versions = new Map<string, Version[]>()
  // One byte a character, as in all paths here.
  for (const name of await readdir(bufferOfBytes(directory), 'latin1').catch(() => [])) {
    // Most names are other files': this is cheaper than the expression.
    if (!name.endsWith('~')) continue
    const [suffix, digits] = suffixes.exec(name) ?? []
    if (suffix === undefined) continue
    // The others aren't in any order.
    const number = digits === undefined ? mostCounted + 1 : Number(digits)
    if (digits !== undefined && number > mostCounted) continue
    const stem = name.slice(0, -suffix.length)
    const alike = versions.get(stem)
    if (alike === undefined) versions.set(stem, [{ name, suffix, number }])
    else alike.push({ name, suffix, number })
  }
  return versions
}

async function isFile(path: ByteString): Promise<boolean> {
  try {
    return (await lstat(bufferOfBytes(path))).isFile()
  } catch {
    return false
  }
}
