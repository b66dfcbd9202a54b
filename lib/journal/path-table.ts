/**
 * From a path to the seq of its record, in typed arrays outside the JavaScript heap: a million entries cost the garbage
 * collector nothing. Paths themselves stay in the log; the table asks back whether a seq has a path. It is split into
 * shards, so that growing moves a small part at a time.
 */

const SHARD_BITS = 10
const SMALLEST = 8

interface Shard {
  hashes: Uint32Array
  /** One more than the seq, 0: empty. */
  seqs: Float64Array
  used: number
}

export class PathTable {
  readonly #shards: (Shard | undefined)[] = new Array<Shard | undefined>(2 ** SHARD_BITS).fill(undefined)

  /** @returns The seq for which `isPath` says yes among those of this hash, else -1. */
  find(hash: number, isPath: (seq: number) => boolean): number {
    const shard = this.#shards[hash & (2 ** SHARD_BITS - 1)]
    if (shard === undefined) return -1
    const mask = shard.seqs.length - 1
    for (let at = home(hash) & mask; ; at = (at + 1) & mask) {
      const seq = (shard.seqs[at] ?? 0) - 1
      if (seq === -1) return -1
      if (shard.hashes[at] === hash && isPath(seq)) return seq
    }
  }

  /** The seq must not be there yet. */
  add(hash: number, seq: number): void {
    const index = hash & (2 ** SHARD_BITS - 1)
    let shard = this.#shards[index]
    if (shard === undefined || shard.used * 4 >= shard.seqs.length * 3) {
      shard = grown(shard)
      this.#shards[index] = shard
    }
    insert(shard, hash, seq + 1)
  }

  remove(hash: number, seq: number): void {
    const shard = this.#shards[hash & (2 ** SHARD_BITS - 1)]
    if (shard === undefined) return
    const mask = shard.seqs.length - 1
    let at = home(hash) & mask
    while (shard.seqs[at] !== seq + 1) {
      if (shard.seqs[at] === 0) return
      at = (at + 1) & mask
    }
    shard.used -= 1
    // Entries behind are moved up, so that none is cut off from its home by the hole.
    for (let next = (at + 1) & mask; shard.seqs[next] !== 0; next = (next + 1) & mask) {
      const distance = (next - home(shard.hashes[next] ?? 0)) & mask
      if (distance < ((next - at) & mask)) continue
      shard.seqs[at] = shard.seqs[next] ?? 0
      shard.hashes[at] = shard.hashes[next] ?? 0
      at = next
    }
    shard.seqs[at] = 0
  }
}

/** Where in its shard a hash belongs: bits that the shard's number doesn't use. */
const home = (hash: number): number => hash >>> SHARD_BITS

function insert(shard: Shard, hash: number, stored: number): void {
  const mask = shard.seqs.length - 1
  let at = home(hash) & mask
  while (shard.seqs[at] !== 0) at = (at + 1) & mask
  shard.hashes[at] = hash
  shard.seqs[at] = stored
  shard.used += 1
}

function grown(shard: Shard | undefined): Shard {
  const size = shard === undefined ? SMALLEST : shard.seqs.length * 2
  const made = { hashes: new Uint32Array(size), seqs: new Float64Array(size), used: 0 }
  for (let at = 0; shard !== undefined && at < shard.seqs.length; at++) {
    const stored = shard.seqs[at] ?? 0
    if (stored !== 0) insert(made, shard.hashes[at] ?? 0, stored)
  }
  return made
}
