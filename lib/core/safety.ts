/**
 * The rule that nothing may break: a tier gives a file's space back only if a storage further down has exactly the
 * version that the tier has, durably and as a file of its own, and nobody who still needs the file loses his only way
 * to it. Everything that releases asks here, when it is chosen and again when it is sent off.
 */
import { sameVersion } from './announce.js'
import { copyOn } from './catalog.js'
import type { FileRecord, Fingerprint } from './record.js'
import { isClearing } from './shifts.js'
import type { Entry, State, StorageState } from './state.js'
import { onTier } from './tier-records.js'
import type { TierState } from './tier-state.js'

/** Milliseconds for which a file that is to go is kept for who has it in hand. */
const readersPatience = 200

/** The storage that serves a file once the tier has given it back; undefined: the tier must keep it. */
export function servedBy(state: State, tier: TierState, entry: Entry): StorageState | undefined {
  const { record, leaving } = entry
  const version = versionOn(state, tier, record)
  if (version === undefined || !isStillAbove(tier, state, record)) return undefined
  // Whoever reads it now, or could read it nowhere else, is served first.
  if (isBeingRead(state, tier, entry)) return undefined
  if (tier.index === 0 && !isServedOtherwise(state, record, version)) return undefined
  const on = onTier(record, tier.config.id)
  // A link may stand there already. What it leads to serves the file, and nothing else does.
  const only = on?.state === 'unsure' ? on.to : undefined
  for (const storage of tier.below) {
    const { id } = storage.config
    if ((only !== undefined && only !== id) || !canServe(storage) || isUnfit(tier, storage)) continue
    if (isLeaving(state, storage, leaving)) continue
    if (hasVersion(record, id, version)) return storage
  }
  return undefined
}

/** Whether a storage is about to give a file back itself. */
function isLeaving(state: State, storage: StorageState, leaving: Entry['leaving']): boolean {
  for (const tier of state.tiers) if (tier.storage === storage) return leaving[tier.index] !== undefined
  return false
}

/**
 * Whether a copy reads the file from the tier. A slow storage has many files in hand and reads few of them: where they
 * are to go and could be read elsewhere, it is waited for only so long.
 */
function isBeingRead(state: State, tier: TierState, { record, slots }: Entry): boolean {
  const origin = tier.storage?.config.id
  let sent = Number.NEGATIVE_INFINITY
  for (const slot of slots) if (slot?.phase === 'flying' && slot.from === origin) sent = Math.max(sent, slot.sent)
  if (sent === Number.NEGATIVE_INFINITY) return false
  if (state.config.tierSources !== true || (tier.releasing === undefined && !isClearing(state, record.shift, tier)))
    return true
  const until = sent + readersPatience
  if (state.now >= until) return false
  tier.impatient = Math.min(tier.impatient, until)
  return true
}

/** It failed to serve the tier's files a moment ago. */
function isUnfit({ unfit }: TierState, { config }: StorageState): boolean {
  return unfit.get(config.id)?.isOut === true
}

/** Whether a storage's copies can be read. One that is full can't take more, and has what it has. */
export function canServe({ mode, reachable, failure }: StorageState): boolean {
  return mode === 'up' || (reachable && failure?.code === 'ENOSPC')
}

/** Whether a storage has a version durably, and as a file: not as a link to yet another storage. */
function hasVersion(record: FileRecord, storage: string, version: Fingerprint): boolean {
  const copy = copyOn(record, storage)
  if (copy?.state !== 'copied' || copy.source === undefined || !sameVersion(copy.source, version)) return false
  const on = onTier(record, storage)
  return on === undefined || on.state === 'held'
}

/** The version that a tier holds: of the buffer, the one that was copied last; of a storage, the one copied there. */
function versionOn(state: State, tier: TierState, record: FileRecord): Fingerprint | undefined {
  const on = onTier(record, tier.config.id)
  if (on === undefined || on.state === 'link' || on.state === 'gone') return undefined
  if (tier.storage !== undefined) {
    const copy = copyOn(record, tier.storage.config.id)
    return copy?.state === 'copied' ? copy.source : undefined
  }
  if (!state.sourceAvailable) return undefined
  for (const { config } of tier.below) {
    const copy = copyOn(record, config.id)
    if (copy?.state === 'copied') return copy.source
  }
  return undefined
}

/** Links go before what they point to: no tier above has, or may have, one. A link may point to a link. */
function isStillAbove(tier: TierState, state: State, record: FileRecord): boolean {
  for (const { index, config } of state.tiers) {
    if (index < tier.index && onTier(record, config.id)?.state === 'unsure') return false
  }
  return true
}

/** Whether a link on a tier above may lead to this one. */
export function hasLinkAbove(state: State, tier: TierState, record: FileRecord): boolean {
  for (const { index, config } of state.tiers) {
    if (index >= tier.index) break
    const above = onTier(record, config.id)?.state
    if (above === 'link' || above === 'unsure') return true
  }
  return false
}

/** Whether all that still wait for a file can get it from a storage instead of the buffer. */
function isServedOtherwise(state: State, record: FileRecord, version: Fingerprint): boolean {
  for (const copy of record.copies) {
    if (!state.byId.has(copy.storage)) continue
    const isServed =
      copy.state === 'copied'
        ? copy.source !== undefined && sameVersion(copy.source, version)
        : state.config.tierSources === true
    if (!isServed) return false
  }
  return true
}

/**
 * Whether storages have different versions of a file that the buffer holds, or may hold: it changed between two copies,
 * unannounced. All must get the one that is there now, while it is.
 */
export function disagree(state: State, { record, leaving }: Entry): boolean {
  const [buffer] = state.tiers
  if (buffer === undefined || record.copies.length < 2) return false
  const is = onTier(record, buffer.config.id)?.state
  if (is !== 'held' && (is !== 'unsure' || leaving[0] !== undefined)) return false
  let first: Fingerprint | undefined
  let isOther = false
  for (const { storage, state: copied, source } of record.copies) {
    if (!state.byId.has(storage)) continue
    if (copied === 'pending') return false
    if (copied !== 'copied' || source === undefined) continue
    if (first === undefined) first = source
    else isOther ||= !sameVersion(first, source)
  }
  return isOther
}

/**
 * Where a pending copy is read from: `undefined` is the source; a storage, where the source has the file no more and
 * copies may be read from storages.
 */
export function readFrom(state: State, record: FileRecord): StorageState | undefined {
  const [buffer] = state.tiers
  if (buffer === undefined || state.config.tierSources !== true) return undefined
  const on = onTier(record, buffer.config.id)
  if (on === undefined || on.state === 'held' || on.state === 'unsure') return undefined
  const having = buffer.below.filter(({ config }) => {
    const copy = copyOn(record, config.id)
    const lower = onTier(record, config.id)
    return copy?.state === 'copied' && copy.source !== undefined && (lower === undefined || lower.state === 'held')
  })
  return having.find(canServe) ?? having[0]
}
