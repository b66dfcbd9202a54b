/** Whether files that were received are still here. */
import { lstat } from 'node:fs/promises'
import { bufferOfBytes } from '../bytes.js'
import type { FileRecord, Here } from './core/index.js'

/** Under its name, of its size; or released by Grimsel, as a link. What can't be looked at is taken for being there. */
export async function isPresent({ path, size }: Pick<Here, 'path' | 'size'>): Promise<boolean> {
  try {
    const stats = await lstat(bufferOfBytes(path))
    return stats.isSymbolicLink() || (stats.isFile() && stats.size === size)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    return code !== 'ENOENT' && code !== 'ENOTDIR'
  }
}

/** Files that are looked at, at once. */
const lanes = 4

/**
 * Those that were received and aren't here any more, a part after the other. What is known to be safe on a storage isn't
 * looked for.
 */
export async function* findMissing(files: Iterable<FileRecord>): AsyncGenerator<readonly number[]> {
  let part: { readonly seq: number; readonly here: Here }[] = []
  for (const { seq, here, safe } of files) {
    if (here === undefined || safe !== undefined) continue
    part.push({ seq, here })
    if (part.length < lanes) continue
    yield await missingOf(part)
    part = []
  }
  yield await missingOf(part)
}

async function missingOf(files: readonly { readonly seq: number; readonly here: Here }[]): Promise<readonly number[]> {
  const there = await Promise.all(files.map(({ here }) => isPresent(here)))
  return files.filter((_, index) => !there[index]).map(({ seq }) => seq)
}
