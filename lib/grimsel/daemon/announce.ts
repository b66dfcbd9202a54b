/** Announces what others name: a wrong path is theirs, and holds up no other. */
import { type ByteString, bufferOfBytes, bytesOfText } from '../../bytes.js'
import { SustenError } from '../../errors.js'
import { parseAnnounced } from '../../source/index.js'
import type { Grimsel } from '../types.js'

/** A path that can't be announced, and why. */
export interface RefusedPath {
  readonly path: ByteString
  readonly error: SustenError
}

/**
 * Resolves once all that can be announced is journaled.
 * @param buffer The directory that files arrive in.
 * @returns what was refused
 * @throws SustenError `ERR_SUSTEN_CLOSED`, or the journal's error: nothing can be announced any more
 */
export async function announce(
  grimsel: Pick<Grimsel, 'add'>,
  buffer: string,
  paths: readonly ByteString[],
): Promise<readonly RefusedPath[]> {
  const source = bytesOfText(buffer)
  const refused: RefusedPath[] = []
  const good: Buffer[] = []
  for (const path of paths) {
    const raw = bufferOfBytes(path)
    try {
      parseAnnounced(source, raw, 'buffer')
      good.push(raw)
    } catch (error) {
      if (!(error instanceof SustenError)) throw error
      refused.push({ path, error })
    }
  }
  if (good.length > 0) await grimsel.add(good)
  return refused
}
