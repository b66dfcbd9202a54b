/** Clears the pipe's place without losing what is there. */
import { type BigIntStats, linkSync, unlinkSync } from 'node:fs'
import { type ByteString, bufferOfBytes } from '../../bytes.js'
import { fromSystem } from '../../errors.js'

/**
 * Moves a regular file of root's or this user's to a free name, `path.~N~`. Where there is no pipe, `echo … > pipe` makes
 * such a file: what was announced is in it.
 * @returns the name; undefined if it is another kind of file, or another's, and was left
 */
export function moveAside(path: ByteString, stats: BigIntStats): ByteString | undefined {
  const isOurs = stats.uid === 0n || stats.uid === BigInt(process.geteuid?.() ?? 0)
  if (!stats.isFile() || !isOurs || stats.nlink !== 1n) return undefined
  for (let n = 1; ; n++) {
    const to = `${path}.~${n}~` as ByteString
    if (!link(path, to)) continue
    unlinkSync(bufferOfBytes(path))
    return to
  }
}

/** Unlike a renaming, a link never replaces anything. */
function link(path: ByteString, to: ByteString): boolean {
  try {
    linkSync(bufferOfBytes(path), bufferOfBytes(to))
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw fromSystem(error, path, to)
  }
}
