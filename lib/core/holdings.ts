/** Exact figures of what tiers hold, per shift. Journaled with the shift that they belong to. */
import type { CoreTier } from './config.js'
import type { FileRecord } from './record.js'

/** What a tier has of one shift's files. */
export interface Holding {
  /** Files, those included of which it isn't sure, and those that are still to be copied there. */
  held: number
  /** Symbolic links in place of files. */
  links: number
  /** Bytes of held files that are copied to the next tier: what a release could give back. */
  bytes: number
}

/** By shift, then by tier. */
export type Holdings = Map<number, Map<string, Holding>>

/** Where the figures of shifts that aren't remembered any more are kept. */
export const earlier = -1

/** The number under which a shift's figures are kept, by the shifts that are remembered. */
export function bucketOf([first]: readonly { readonly number: number }[], shift: number): number {
  return first !== undefined && shift < first.number ? earlier : shift
}

/** @param tiers Say to which storage their files go. */
export function recountHoldings(
  holdings: Holdings,
  record: FileRecord,
  shift: number,
  by: 1 | -1,
  tiers: readonly { readonly config: CoreTier }[],
): void {
  if (record.tiers === undefined) return
  let byTier: Map<string, Holding> | undefined
  for (const tier of record.tiers) {
    if (tier.state === 'gone' || neverCame(record, tier.tier)) continue
    byTier ??= holdingsOf(holdings, shift)
    const holding = holdingOf(byTier, tier.tier)
    if (tier.state === 'link') {
      holding.links += by
    } else {
      holding.held += by
      holding.bytes += by * spareBytes(record, tier.tier, tiers)
    }
  }
}

/** Its copy was given up before there was any. One that is pending counts: it will be there. */
function neverCame({ copies }: FileRecord, tier: string): boolean {
  for (const { storage, state, source } of copies) {
    if (storage === tier) return state === 'failed' && source === undefined
  }
  return false
}

function spareBytes({ copies }: FileRecord, tier: string, tiers: readonly { readonly config: CoreTier }[]): number {
  for (const { config } of tiers) {
    if (config.id !== tier) continue
    for (const { storage, state, source } of copies) {
      if (storage === config.next) return state === 'copied' && source !== undefined ? source.size : 0
    }
  }
  return 0
}

function holdingsOf(holdings: Holdings, shift: number): Map<string, Holding> {
  let byTier = holdings.get(shift)
  if (byTier === undefined) {
    byTier = new Map()
    holdings.set(shift, byTier)
  }
  return byTier
}

function holdingOf(byTier: Map<string, Holding>, tier: string): Holding {
  let holding = byTier.get(tier)
  if (holding === undefined) {
    holding = { held: 0, links: 0, bytes: 0 }
    byTier.set(tier, holding)
  }
  return holding
}

/** What a tier has of one shift's files. */
export function heldOf(holdings: Holdings, shift: number, tier: string): Readonly<Holding> {
  return holdings.get(shift)?.get(tier) ?? { held: 0, links: 0, bytes: 0 }
}

/** What a tier has of all shifts together. */
export function heldInAll(holdings: Holdings, tier: string): Holding {
  const sum: Holding = { held: 0, links: 0, bytes: 0 }
  for (const byTier of holdings.values()) {
    const holding = byTier.get(tier)
    if (holding === undefined) continue
    sum.held += holding.held
    sum.links += holding.links
    sum.bytes += holding.bytes
  }
  return sum
}
