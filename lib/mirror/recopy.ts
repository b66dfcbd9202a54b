/** After a storage's file system was exchanged: what was copied to the old one is copied to the new one. */
import type { ByteString } from '../bytes.js'
import type { FileRecord } from '../core/index.js'
import type { Journal } from '../journal/index.js'
import { isGone } from '../source/index.js'
import type { Shell } from './shell.js'

/** What recopying needs of its surroundings. */
export interface RecopyHost {
  readonly source: ByteString
  readonly journal: Journal
  readonly shell: Shell
  readonly now: () => number
}

/**
 * Makes copied files of a storage pending again, where the source still has them. What the new file system has
 * already is found out by a look, without reading.
 * @returns their number, once they are journaled
 */
export async function recopyAll({ source, journal, shell, now }: RecopyHost, storage: string): Promise<number> {
  let count = 0
  // A record that is made pending moves behind all others: what is behind this point is done.
  const last = shell.state.seq
  for await (const { seq, path, copies, tiers } of journal.files()) {
    if (seq > last) break
    if (!copies.some((copy) => copy.storage === storage && copy.state === 'copied')) continue
    if (!isGivenBack(tiers, copies, storage) && (await isGone(source, path))) continue
    shell.post({ type: 'recopy', at: now(), storage, path })
    count += 1
    if (count % 256 === 0) await shell.postDurably([])
  }
  await shell.postDurably([])
  return count
}

/** The source needn't have it any more: another storage serves it. */
function isGivenBack(tiers: FileRecord['tiers'], copies: FileRecord['copies'], storage: string): boolean {
  const [buffer] = tiers ?? []
  if (buffer === undefined || buffer.state === 'held') return false
  return copies.some((copy) => copy.storage !== storage && copy.state === 'copied')
}
