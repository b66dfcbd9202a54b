/** What a record says of tiers. */
import { type CopyRecord, type FileRecord, fileRecord, type TierRecord, tierRecord } from './record.js'
import type { State, StorageState } from './state.js'
import type { TierState } from './tier-state.js'

/** A file's state on a tier, if that tier could ever give its space back. */
export function onTier(record: FileRecord, tier: string): TierRecord | undefined {
  if (record.tiers === undefined) return undefined
  for (const one of record.tiers) if (one.tier === tier) return one
  return undefined
}

/** A record with its state on one tier exchanged. */
export function withTier(record: FileRecord, tier: TierRecord): FileRecord {
  const tiers = record.tiers?.map((other) => (other.tier === tier.tier ? tier : other))
  return tiers === undefined ? record : fileRecord(record, record.copies, tiers)
}

/** A record with a tier in another state, and a clean slate there. */
export function turned(record: FileRecord, tier: string, state: TierRecord['state'], to?: string): FileRecord {
  return withTier(record, tierRecord(tier, state, 0, state === 'held' ? undefined : to))
}

/**
 * The tiers of a file that goes to these storages: those that have it, or will, and from which it goes further down.
 * New ones are held: what will be there counts as if it were. Undefined: there are none.
 */
export function tiersFor(
  state: State,
  copies: readonly CopyRecord[],
  known: readonly TierRecord[] = [],
): readonly TierRecord[] | undefined {
  const has = ({ storage, below }: TierState): boolean =>
    (storage === undefined || isAmong(copies, storage)) && isAnyAmong(copies, below)
  const having = state.tiers.every(has) ? state.tiers : state.tiers.filter(has)
  if (having.length === 0) return undefined
  return having.map(
    ({ config: { id } }) => known.find(({ tier }) => tier === id) ?? tierRecord(id, 'held', 0, undefined),
  )
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
  return tiers?.map(({ tier, state, to }) => {
    const isThere = state === 'held' || state === 'unsure'
    return tierRecord(tier, isThere ? state : 'unsure', 0, to)
  })
}

/** Whether no decision needs a file any more: durable wherever it must go, and gone from all tiers. */
export function isDone({ copies, tiers }: FileRecord): boolean {
  if (tiers === undefined) return false
  return tiers.every(({ state }) => state === 'gone') && copies.every(({ state }) => state === 'copied')
}
