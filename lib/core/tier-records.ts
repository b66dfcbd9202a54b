/** What a record says of tiers. */
import type { CopyRecord, FileRecord, TierRecord } from './record.js'
import type { State, StorageState } from './state.js'

/** A file's state on a tier, if that tier could ever give its space back. */
export function onTier(record: FileRecord, tier: string): TierRecord | undefined {
  if (record.tiers === undefined) return undefined
  for (const one of record.tiers) if (one.tier === tier) return one
  return undefined
}

/** A record with its state on one tier exchanged. */
export function withTier(record: FileRecord, tier: TierRecord): FileRecord {
  const tiers = record.tiers?.map((other) => (other.tier === tier.tier ? tier : other))
  return tiers === undefined ? record : { ...record, tiers }
}

/** A record with a tier in another state, and a clean slate there. */
export function turned(record: FileRecord, tier: string, state: TierRecord['state'], to?: string): FileRecord {
  return withTier(record, turnedTier(tier, state, to))
}

const turnedTier = (tier: string, state: TierRecord['state'], to: string | undefined): TierRecord =>
  to === undefined || state === 'held' ? { tier, state, attempts: 0 } : { tier, state, attempts: 0, to }

/**
 * The tiers of a file that goes to these storages: those that have it, or will, and from which it goes further down.
 * New ones are held: what will be there counts as if it were.
 */
export function tiersFor(
  state: State,
  copies: readonly CopyRecord[],
  known: readonly TierRecord[] = [],
): { readonly tiers?: readonly TierRecord[] } {
  const tiers: TierRecord[] = []
  for (const { config, storage, below } of state.tiers) {
    if (storage !== undefined && !isAmong(copies, storage)) continue
    if (!isAnyAmong(copies, below)) continue
    tiers.push(known.find(({ tier }) => tier === config.id) ?? { tier: config.id, state: 'held', attempts: 0 })
  }
  return tiers.length === 0 ? {} : { tiers }
}

function isAnyAmong(copies: readonly CopyRecord[], storages: readonly StorageState[]): boolean {
  for (const storage of storages) if (isAmong(copies, storage)) return true
  return false
}

function isAmong(copies: readonly CopyRecord[], { config }: StorageState): boolean {
  for (const { storage } of copies) if (storage === config.id) return true
  return false
}

/** After an announcement: what was given back may be there again. */
export function unsureAgain(tiers: readonly TierRecord[] | undefined): readonly TierRecord[] | undefined {
  return tiers?.map(({ failure: _, ...tier }) => {
    const isThere = tier.state === 'held' || tier.state === 'unsure'
    return { ...tier, state: isThere ? tier.state : 'unsure', attempts: 0 }
  })
}

/** Whether no decision needs a file any more: durable wherever it must go, and gone from all tiers. */
export function isDone({ copies, tiers }: FileRecord): boolean {
  if (tiers === undefined) return false
  return tiers.every(({ state }) => state === 'gone') && copies.every(({ state }) => state === 'copied')
}
