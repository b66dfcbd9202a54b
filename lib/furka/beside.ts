/** Older contents beside a file, which were kept under versioned names. */
import { lstat } from 'node:fs/promises'
import { type ByteString, bufferOfBytes } from '../bytes.js'

/** Far more than names are used anew. */
const most = 1000

/** @param path Absolute. @param itself Whether what lies under the name counts, too. */
export async function contentsBeside(path: ByteString, itself = false): Promise<readonly ByteString[]> {
  const found: ByteString[] = []
  if (itself && (await kindOf(path)) === 'file') found.push(path)
  for (let number = 1; number <= most; number++) {
    const version = `${path}.~${number}~` as ByteString
    const kind = await kindOf(version)
    if (kind === 'none') break
    if (kind === 'file') found.push(version)
  }
  return found
}

async function kindOf(path: ByteString): Promise<'file' | 'other' | 'none'> {
  try {
    return (await lstat(bufferOfBytes(path))).isFile() ? 'file' : 'other'
  } catch {
    return 'none'
  }
}
