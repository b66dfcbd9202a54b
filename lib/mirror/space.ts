/** The tiers that give space back: which they are, and what opening them takes. */
import { bufferTier, type CoreConfig, type CoreEvent, type CoreTier, type FileRecord } from '../core/index.js'
import type { Journal } from '../journal/index.js'
import { openTier, type Target, type Tier } from '../storage/index.js'
import type { CompleteMirrorOptions } from './options.js'

/** When space is made, and how. */
export interface CompleteSpace {
  /** Fill state at which release begins, and below which it ends, 0…1. */
  readonly limit: number
  readonly lowWater: number
  readonly createLinks: boolean
  /** Shifts that are remembered. */
  readonly history: number
}

/** The buffer, and the internal storage if there is an external one. None where nothing is to be released. */
export function tiersOf({
  space,
  storages,
}: CompleteMirrorOptions): Pick<CoreConfig, 'tiers' | 'tierSources' | 'history'> {
  const internal = storages.find(({ type }) => type === 'internal')
  if (space === undefined || internal === undefined) return {}
  const external = storages.find(({ type }) => type === 'external')
  const { limit, lowWater: low, createLinks, history } = space
  const tier = (id: string, next: string): CoreTier => ({ id, next, limit, low, createLinks })
  const buffer = tier(bufferTier, internal.id)
  return {
    tiers: external === undefined ? [buffer] : [buffer, tier(internal.id, external.id)],
    tierSources: true,
    history,
  }
}

interface TiersHost {
  readonly options: CompleteMirrorOptions
  readonly journal: Journal
  /** By storage. */
  readonly targets: ReadonlyMap<string, Target>
  readonly sourceIdentity: () => string | undefined
  readonly now: () => number
  readonly report: (event: CoreEvent) => void
  /** Told whenever a tier has done all that was ordered. */
  readonly onRest: () => void
}

/** The open tiers by id. */
export interface Tiers extends ReadonlyMap<string, Tier> {
  /** Whether nothing that was ordered from any of them is left to do. */
  rest(): boolean
  /** Puts in order what the last process left undone in the middle of a release. */
  restore(): Promise<void>
}

export function openTiers({ options, journal, targets, sourceIdentity, now, report, onRest }: TiersHost): Tiers {
  const { source } = options
  const tiers = new Map<string, Tier>()
  for (const { id } of tiersOf(options).tiers ?? []) {
    const engine = options.storages.find((storage) => storage.id === id)?.engine ?? options.bufferEngine
    const target = targets.get(id)
    const mine = { tempTag: journal.id, ...engine }
    tiers.set(id, openTier({ id, source, sourceIdentity, target, targets, now, report, onRest, engine: mine }))
  }
  return Object.assign(tiers, {
    rest: () => [...tiers.values()].every((tier) => tier.rests),
    async restore() {
      if (tiers.size > 0) await restoreAll(journal, tiers)
    },
  })
}

/** Files for which a release is put in order at once. */
const page = 4096

/**
 * A file that was put away is back under its name before anything looks for it. A tier that can't be reached now is put
 * in order when its files are released again, which the core asks for.
 */
async function restoreAll(journal: Journal, tiers: ReadonlyMap<string, Tier>): Promise<void> {
  const unsure = new Map<Tier, FileRecord[]>()
  for (const tier of tiers.values()) unsure.set(tier, [])
  const restore = async (tier: Tier, files: readonly FileRecord[]): Promise<void> => {
    await tier.restore(files).catch(() => {})
  }
  for await (const record of journal.files()) {
    for (const { tier: id, state } of record.tiers ?? []) {
      const tier = state === 'unsure' ? tiers.get(id) : undefined
      const files = tier === undefined ? undefined : unsure.get(tier)
      if (tier === undefined || files === undefined) continue
      files.push(record)
      if (files.length >= page) await restore(tier, files.splice(0))
    }
  }
  for (const [tier, files] of unsure) await restore(tier, files)
}
