/** How full a file system is, and which one it is. */
import type { PathInput } from './bytes.js'
import { openEngine, type Volume } from './engine/index.js'
import { absolutePath, bytesOfPath } from './paths.js'

/**
 * Looks at the file system that holds a path: fill state as an unprivileged writer sees it, inodes, mount and
 * identity. Asks on a thread of its own, so that a hanging network mount holds up nothing but this promise; where it
 * is asked all the time, an open engine's `volume` saves the thread.
 *
 * @throws SustenError A system error, e.g. `ENOENT`
 */
export async function volume(path: PathInput): Promise<Volume> {
  const engine = openEngine({ threads: 1 })
  try {
    return await engine.volume(absolutePath(bytesOfPath(path)))
  } finally {
    await engine.close()
  }
}
