/** What a soak tells, once a minute and at its end. */
import type { Usage } from './children.js'
import type { Conductor } from './conductor.js'
import type { Verdict } from './judge.js'
import type { FurkaFigures, ServerFigures, ServerPlan } from './messages.js'
import type { SoakOptions } from './options.js'

/** All that is known at a time. */
export interface Known {
  readonly seconds: number
  readonly servers: readonly {
    readonly plan: ServerPlan
    readonly figures: ServerFigures | undefined
    readonly sampler: { readonly usage: Usage }
  }[]
  readonly furka: {
    readonly figures: FurkaFigures | undefined
    readonly messages: Readonly<Record<string, number>>
    readonly sampler: { readonly usage: Usage }
  }
  readonly grimsel: { readonly sampler: { readonly usage: Usage } }
  readonly conductor: Pick<Conductor, 'counts'>
  readonly violations: readonly string[]
}

export interface Report {
  readonly seed: number
  readonly minutes: number
  readonly seconds: number
  readonly files: {
    readonly completed: number
    readonly bytes: number
    readonly removed: number
    readonly lostByServers: number
    readonly dropped: number
    readonly checkedAtDelete: number
    readonly checkedLater: number
    readonly overtaken: number
  }
  readonly requests: number
  readonly faults: ServerFigures['faults']
  readonly events: Readonly<Record<string, number>>
  readonly messages: Readonly<Record<string, number>>
  readonly latency: FurkaFigures['latency']
  readonly usage: Readonly<Record<string, Usage>>
  readonly verdict: Omit<Verdict, 'violations'> | undefined
  readonly violations: readonly string[]
  /** For people. */
  readonly text: string
}

const MiB = 1024 * 1024
const whole = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 })
const mib = (bytes: number): string => `${whole.format(bytes / MiB)} MiB`

function total(known: Known, of: (figures: ServerFigures) => number): number {
  return known.servers.reduce((sum, { figures }) => sum + (figures === undefined ? 0 : of(figures)), 0)
}

const usageOf = (name: string, { memory, descriptors, now, cpu }: Usage): string =>
  `${name} ${mib(now)} (most ${mib(memory)}), ${descriptors} fd, ${whole.format(cpu)} s`

/** One line on how it is going. */
export function lineOf(known: Known): string {
  const { seconds, furka, grimsel, conductor, violations } = known
  const events = Object.entries(conductor.counts).map(([name, count]) => `${name} ${count}`)
  return [
    `${whole.format(seconds / 60)} min`,
    `${whole.format(total(known, ({ completed }) => completed))} files`,
    `${whole.format(total(known, ({ removed }) => removed))} removed`,
    `${whole.format(total(known, ({ left }) => left))} waiting`,
    `${whole.format(total(known, ({ faults }) => hitsOf(faults)))} hits`,
    events.join(' '),
    usageOf('Furka', furka.sampler.usage),
    usageOf('Grimsel', grimsel.sampler.usage),
    `${violations.length} violations`,
  ].join(' | ')
}

const hitsOf = (faults: ServerFigures['faults']): number =>
  Object.values(faults).reduce((sum, { hits }) => sum + hits, 0)

function faultsOf({ servers }: Known): Report['faults'] {
  const sums: Record<string, { begun: number; hits: number }> = {}
  for (const { figures } of servers) {
    for (const [name, { begun, hits }] of Object.entries(figures?.faults ?? {})) {
      const { begun: before, hits: more } = sums[name] ?? { begun: 0, hits: 0 }
      sums[name] = { begun: before + begun, hits: more + hits }
    }
  }
  return sums
}

export function reportOf(
  known: Known & { readonly options: SoakOptions; readonly verdict: Verdict | undefined },
): Report {
  const { seconds, servers, furka, grimsel, conductor, options, verdict } = known
  const violations = [...known.violations]
  if (verdict === undefined) violations.push('there is no verdict')
  const files = {
    completed: total(known, ({ completed }) => completed),
    bytes: total(known, ({ bytes }) => bytes),
    removed: total(known, ({ removed }) => removed),
    lostByServers: total(known, ({ lost }) => lost),
    dropped: total(known, ({ dropped }) => dropped),
    checkedAtDelete: total(known, ({ checked }) => checked),
    checkedLater: total(known, ({ owed }) => owed),
    overtaken: total(known, ({ overtaken }) => overtaken),
  }
  const usage = Object.fromEntries([
    ['furka', furka.sampler.usage],
    ['grimsel', grimsel.sampler.usage],
    ...servers.map(({ plan, sampler }) => [plan.id, sampler.usage] as const),
  ])
  const { violations: _, ...figures } = verdict ?? { violations: [] }
  const faults = faultsOf(known)
  const report = {
    seed: options.seed,
    minutes: options.minutes,
    seconds: Math.round(seconds),
    files,
    requests: total(known, ({ requests }) => requests),
    faults,
    events: conductor.counts,
    messages: furka.messages,
    latency: furka.figures?.latency,
    usage,
    verdict: verdict === undefined ? undefined : (figures as Omit<Verdict, 'violations'>),
    violations,
  }
  const list = (entries: Readonly<Record<string, number>>): string =>
    Object.entries(entries)
      .map(([name, count]) => `${name} ${whole.format(count)}`)
      .join(', ')
  const hits = Object.fromEntries(Object.entries(faults).map(([name, { hits }]) => [name, hits]))
  const text = [
    `seed ${options.seed}, ${whole.format(seconds / 60)} min`,
    `files: ${list(files)}`,
    `faults: ${whole.format(Object.values(faults).reduce((sum, { begun }) => sum + begun, 0))}; requests hit: ${list(hits)}`,
    `events: ${list(conductor.counts)}`,
    `messages: ${list(furka.messages)}`,
    ...Object.entries(usage).map(([name, one]) => usageOf(name, one)),
    `verdict: ${list(figures as unknown as Record<string, number>)}`,
    ...violations.map((violation) => `VIOLATION ${violation}`),
    violations.length === 0 ? 'nothing lost, nothing wrong, nothing twice' : `${violations.length} violations`,
  ].join('\n')
  return { ...report, text }
}
