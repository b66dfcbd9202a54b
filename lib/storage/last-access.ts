/** When files were last read, as far as the file system keeps it. */
import { lstat } from 'node:fs/promises'
import { setImmediate as turn } from 'node:timers/promises'

/** Files that are looked at at once: Node's file system calls share a few threads with the embedding program. */
const atOnce = 8

/** Milliseconds since the epoch; undefined where there is no regular file of that name, or it can't be looked at. */
export async function lastAccess(paths: readonly Buffer[]): Promise<(number | undefined)[]> {
  const times: (number | undefined)[] = []
  for (let at = 0; at < paths.length; at += atOnce) {
    times.push(...(await Promise.all(paths.slice(at, at + atOnce).map(one))))
    await turn()
  }
  return times
}

async function one(path: Buffer): Promise<number | undefined> {
  try {
    const stats = await lstat(path)
    return stats.isFile() ? stats.atimeMs : undefined
  } catch {
    return undefined
  }
}
