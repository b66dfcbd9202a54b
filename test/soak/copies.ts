/** Whether a file is on the storages at this very moment: asked when its server is told to delete it. */
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** As much as a copy is told by. */
export interface Wanted {
  readonly name: string
  readonly size: number
  readonly digest: string
}

/** The greatest number that a version of a name is looked for with. */
const MOST_VERSIONS = 50

/** Under its name, or under that of a version, in a directory of a user, newest first. */
export function isCopied(file: Wanted, storages: readonly string[], users: readonly string[]): boolean {
  for (const storage of storages) {
    for (const user of users) {
      const path = join(storage, user, file.name)
      if (isIt(path, file)) return true
      for (let version = 1; version < MOST_VERSIONS && isThere(`${path}.~${version}~`); version++) {
        if (isIt(`${path}.~${version}~`, file)) return true
      }
    }
  }
  return false
}

/** Under whatever name, in a directory of a user or in one of those below that such names lead to. */
export function isCopiedSomewhere(file: Wanted, storages: readonly string[], users: readonly string[]): boolean {
  return storages.some((storage) => users.some((user) => isBelow(join(storage, user), file, 3)))
}

function isBelow(directory: string, file: Wanted, depth: number): boolean {
  for (const entry of entriesOf(directory)) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) {
      // Those have ordinary files only, and many.
      if (depth > 1 && !entry.name.startsWith('scan') && isBelow(path, file, depth - 1)) return true
    } else if (isIt(path, file)) return true
  }
  return false
}

function entriesOf(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true })
  } catch {
    return []
  }
}

function isThere(path: string): boolean {
  try {
    lstatSync(path)
    return true
  } catch {
    return false
  }
}

/** A link to it is as good: what was released leads to the next storage. */
function isIt(path: string, { size, digest }: Wanted): boolean {
  try {
    return statSync(path).size === size && digestOf(readFileSync(path)) === digest
  } catch {
    return false
  }
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
