/** A Grimsel in this process. */
import { type ByteString, bufferOfBytes } from '../../bytes.js'
import { SustenError } from '../../errors.js'
import type { Grimsel } from '../../grimsel/index.js'
import type { Link, RefusedPath } from './link.js'

/** What is wrong with a path, and with no other. */
const ofPath = new Set(['ERR_INVALID_ARG_VALUE', 'ENAMETOOLONG'])

export function linkToProcess(grimsel: Grimsel): Link {
  /** A wrong path is refused alone; nothing is taken of a list that has one. */
  async function oneByOne(paths: readonly ByteString[]): Promise<RefusedPath[]> {
    const refused: RefusedPath[] = []
    for (const [index, path] of paths.entries()) {
      try {
        await grimsel.add(bufferOfBytes(path))
      } catch (error) {
        if (!isOfPath(error)) throw error
        refused.push({ index, error })
      }
    }
    return refused
  }

  return {
    by: 'process',
    async announce(paths) {
      try {
        await grimsel.add(paths.map(bufferOfBytes))
        return []
      } catch (error) {
        if (!isOfPath(error)) throw error
        return oneByOne(paths)
      }
    },
    async changeUser(user) {
      // Whole: what is left out would stay as it is.
      await grimsel.changeUser({ ...user })
    },
    find: (paths) => grimsel.find(paths.map(bufferOfBytes)),
    // It is whoever opened it that closes it.
    close: async () => {},
  }
}

const isOfPath = (error: unknown): boolean => error instanceof SustenError && ofPath.has(error.code)
