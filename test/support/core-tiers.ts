/** Drives a core with tiers by hand. */
import { type Command, type CoreConfig, defaultLimits, type FileRecord, type ReleaseOutcome } from '#lib/core/index.js'
import { grimsel } from '#lib/policy/index.js'
import { Driver } from './core-driver.js'
import { bytes, fingerprintOf } from './core-world.js'

type Of<T extends Command['type']> = Extract<Command, { type: T }>

const tier = (id: string, next: string) => ({
  id,
  next,
  mountPoint: bytes(`/mnt/${id}`),
  limit: 0.8,
  low: 0.5,
  createLinks: true,
})

/** A buffer, an internal storage `disk`, an external one `gpfs`. */
export const chain: Partial<CoreConfig> = {
  source: bytes('/buffer'),
  storages: [
    { id: 'disk', type: 'internal', target: bytes('/disk') },
    { id: 'gpfs', type: 'external', target: bytes('/gpfs') },
  ],
  policy: grimsel(),
  tiers: [tier('buffer', 'disk'), tier('disk', 'gpfs')],
  tierSources: true,
}

/** A buffer and an internal storage `disk`. */
export const pair: Partial<CoreConfig> = {
  source: bytes('/buffer'),
  storages: [{ id: 'disk', type: 'internal', target: bytes('/disk') }],
  policy: grimsel(),
  tiers: [tier('buffer', 'disk')],
}

/** A driver whose storages are up, and its buffer read. */
export function tiered(config: Partial<CoreConfig>): TierDriver {
  const driver = new TierDriver({ limits: { ...defaultLimits, load: 10 }, ...config })
  for (const { id } of driver.state.config.storages) driver.volume({}, id)
  driver.fill(0.2)
  driver.settle()
  return driver
}

export class TierDriver extends Driver {
  /** When files were last read, by path. */
  readonly accessed = new Map<string, number>()
  /** Records listed for tiers so far. */
  listed = 0

  /** Answers what the core wants listed until it wants no more; the releases that it ordered meanwhile. */
  settle(): Of<'release'>[] {
    const releases: Of<'release'>[] = []
    for (;;) {
      const commands = this.all()
      releases.push(...commands.filter((command): command is Of<'release'> => command.type === 'release'))
      const loads = commands.filter((command): command is Of<'loadTier'> => command.type === 'loadTier')
      if (loads.length === 0) return releases
      for (const load of loads) this.page(load)
    }
  }

  /** Answers one of these commands. */
  page({ tier: id, pass, state, after, limit, accessed }: Of<'loadTier'>): void {
    const isListed = ({ seq, tiers = [] }: FileRecord): boolean =>
      seq > after &&
      tiers.some((on) => on.tier === id && on.state !== 'gone' && (on.state === 'link') === (state === 'failed'))
    const records = [...this.records.values()]
      .filter(isListed)
      .sort((a, b) => a.seq - b.seq)
      .slice(0, limit)
    this.listed += records.length
    this.feed({
      type: 'tierLoaded',
      tier: id,
      pass,
      records,
      accessed: accessed ? records.map(({ path }) => this.accessed.get(path)) : undefined,
      last: records.at(-1)?.seq ?? after,
      short: records.length < limit,
    })
  }

  /** Paths that are to be released now, in order. */
  leaving(): string[] {
    return this.settle().flatMap(({ files }) => files.map(({ path }) => path))
  }

  /** Announces files and has them copied to all storages. Each has 10 bytes. */
  arrive(...names: string[]): void {
    this.announce(...names)
    for (const name of names) for (const { id } of this.state.config.storages) this.copyTo(id, name)
  }

  copyTo(storage: string, name: string, version = 10): void {
    this.copied(name, { storage, fingerprint: fingerprintOf(version), digest: `d${version}` })
  }

  /** The buffer, of 1000 bytes, is read. */
  fill(fill: number, id = 'buffer'): void {
    const identity = id === 'buffer' ? {} : { mountPoint: bytes(`/${id}`), identity: `own-${id}` }
    this.volume({ total: 1000, available: 1000 * (1 - fill), fill, inodeFill: 0.1, ...identity }, id)
  }

  release(name: string, outcome: ReleaseOutcome = 'released', id = 'buffer', code = 'EPERM'): void {
    const failure = { code, errno: 1, syscall: 'renameat2', path: bytes(name) }
    const bytesFreed = outcome === 'released' ? 10 : 0
    this.feed({
      type: 'released',
      tier: id,
      path: bytes(name),
      outcome,
      bytes: bytesFreed,
      ...(outcome === 'failed' ? { failure } : {}),
    })
  }

  changeUser(uid = 1000): void {
    this.feed({ type: 'userChange', uid, gid: 100 })
  }

  on(name: string, id = 'buffer'): string | undefined {
    return this.records.get(bytes(name))?.tiers?.find((one) => one.tier === id)?.state
  }
}
