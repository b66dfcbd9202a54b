/** What a process left that died while it released files. */
import { readdir } from 'node:fs/promises'
import { type ByteString, bufferOfBytes } from '../../bytes.js'

/**
 * Directories below a root in which a dead process of this tag had put files away. Who gives them back their names looks
 * at everything again; names are all that this takes from a tree that others may change meanwhile.
 */
export async function findLeft(root: ByteString, tag: string, signal: AbortSignal): Promise<readonly ByteString[]> {
  const left: ByteString[] = []
  const waiting: ByteString[] = ['' as ByteString]
  for (let directory = waiting.pop(); directory !== undefined && !signal.aborted; directory = waiting.pop()) {
    const path = bufferOfBytes(`${root}/${directory}` as ByteString)
    const found = await readdir(path, { withFileTypes: true, encoding: 'latin1' }).catch(() => [])
    const names = found.filter((entry) => entry.isDirectory()).map(({ name }) => name)
    if (names.some((name) => name.startsWith(`.susten-${tag}-`))) left.push(directory)
    for (const name of names) {
      if (!name.startsWith('.susten-')) waiting.push((directory === '' ? name : `${directory}/${name}`) as ByteString)
    }
  }
  return left
}
