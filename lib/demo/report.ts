/** The figures at the end. */
import { count, duration, printable, size, table } from './format.js'
import type { Failure } from './judge.js'
import type { Delays, Step } from './tally.js'
import type { Verification } from './verify.js'

/** What came out of a run. Sizes in bytes, delays in milliseconds. Printed as it is with `--json`. */
export interface Report {
  /** Every file that was complete at a server is where it must be, and right, and was safe before the server lost it. */
  readonly ok: boolean
  readonly seed: number
  /** From the first file to the last. */
  readonly seconds: number
  /** From the last file's completion until every file was durable everywhere and removed at its server. */
  readonly drainSeconds: number
  /** Of files that were complete at the servers. */
  readonly files: number
  readonly bytes: number
  /** The users, one after the other, with the files of each. */
  readonly users: readonly {
    readonly name: string
    readonly uid: number
    readonly gid: number
    readonly files: number
  }[]
  readonly detectors: readonly {
    readonly name: string
    /** Of the server's API. */
    readonly version: string
    readonly files: number
    readonly bytes: number
    /** Requests to delete a file that the server got. */
    readonly deletes: number
  }[]
  /** From a file's completion at the server until it was received, durable, and removed there. */
  readonly delays: Readonly<Record<Step, Delays>>
  /** The buffer and the storages. */
  readonly tiers: readonly TierReport[]
  /** How late the event loop of the embedding process was. */
  readonly loopDelay: Delays
  /** Of the embedding process, verification included. */
  readonly peakMemory: number
  /** What Furka and Grimsel told meanwhile, and when the user changed. */
  readonly messages: readonly string[]
  /** What went wrong on the way. */
  readonly failures: readonly Failure[]
}

/** What was found on a tier at the end. */
export interface TierReport {
  readonly id: string
  readonly path: string
  readonly fsType: string
  /** Files that must be there, and no others. */
  readonly expected: number
  readonly verification: Verification
}

/** The report as text, in lines that fit 80 columns but for long paths. */
export function printReport(report: Report, colour: boolean): string {
  const good = (text: string): string => (colour ? `\x1b[32m${text}\x1b[0m` : text)
  const bad = (text: string): string => (colour ? `\x1b[1;31m${text}\x1b[0m` : text)
  const { tiers, messages, failures, ok } = report
  const lines = [
    ...whatHappened(report),
    '',
    ...delayTable(report),
    '',
    ...tierTable(tiers),
    '',
    ...lastLines(report),
    '',
    ...messages.map((message) => `message: ${printable(message)}`),
    ...failures.map(({ path, problem }) => bad(`failed: ${printable(path)}: ${printable(problem)}`)),
    ...tiers.flatMap(({ verification }) =>
      verification.problems.map(({ path, problem }) => bad(`wrong: ${printable(path)}: ${printable(problem)}`)),
    ),
    ok ? good('Every file is where it must be, and every byte is right.') : bad('Not everything is right: see above.'),
  ]
  return `${lines.join('\n')}\n`
}

function whatHappened({ files, bytes, seconds, detectors, users, tiers }: Report): string[] {
  const rate = seconds > 0 ? `: ${(files / seconds).toFixed(1)} files/s, ${size(bytes / seconds)}/s` : ''
  return [
    `measured     ${count(files)} files, ${size(bytes)} in ${seconds.toFixed(1)} s${rate}`,
    ...detectors.map(
      (one) => `             ${one.name}, API ${one.version}: ${count(one.files)} files, ${size(one.bytes)}`,
    ),
    ...users.map(
      (one, index) =>
        `${(index === 0 ? 'users' : '').padEnd(12)} ${one.name} (${one.uid}:${one.gid}): ${count(one.files)} files`,
    ),
    ...tiers.map(({ id, fsType, path }) => `${id.padEnd(12)} ${fsType} ${printable(path)}`),
  ]
}

function delayTable({ delays }: Report): string[] {
  const row = (name: string, { p50, p99, max }: Delays): string[] => [name, duration(p50), duration(p99), duration(max)]
  return table([
    ['from complete at the server to', 'median', '99 %', 'longest'],
    row('received on the buffer', delays.received),
    row('durable on internal', delays.internal),
    row('durable on external', delays.external),
    row('removed at the server', delays.removed),
  ])
}

function tierTable(tiers: readonly TierReport[]): string[] {
  const column = (name: string, value: (tier: TierReport) => string): string[] => [name, ...tiers.map(value)]
  const all = (found: (verification: Verification) => number) => (tier: TierReport) =>
    `${count(found(tier.verification))} of ${count(tier.expected)}`
  const some = (found: (verification: Verification) => number) => (tier: TierReport) => count(found(tier.verification))
  return table([
    column('', ({ id }) => id),
    column(
      'digest right, read again',
      all(({ files }) => files),
    ),
    column(
      'of them links',
      some(({ released }) => released),
    ),
    column('bytes read again', ({ verification }) => size(verification.bytes)),
    column(
      'owner, mode, mtime right',
      all(({ metadata }) => metadata),
    ),
    column(
      'HDF5 series opened',
      some(({ masters }) => masters),
    ),
    column(
      'HDF5 links followed',
      some(({ links }) => links),
    ),
    column(
      'CBF images decoded',
      some(({ images }) => images),
    ),
    column(
      'wrong or missing',
      some(({ problems }) => problems.length),
    ),
  ])
}

function lastLines({ detectors, failures, drainSeconds, loopDelay, peakMemory }: Report): string[] {
  const deletes = count(detectors.reduce((sum, one) => sum + one.deletes, 0))
  const [p50, p99, max] = [loopDelay.p50, loopDelay.p99, loopDelay.max].map(duration)
  const isClean = failures.length === 0
  return [
    `servers      ${deletes} DELETEs${isClean ? ', none before its file was durable on internal; all are empty' : ''}`,
    isClean
      ? `last file    everywhere, and gone at the server, ${duration(drainSeconds * 1000)} after it was complete`
      : `last file    ${count(failures.length)} ${failures.length === 1 ? 'thing' : 'things'} went wrong`,
    `event loop   late by ${p50} (median), ${p99} (99 %), ${max} (longest)`,
    `memory       ${size(peakMemory)} at the peak, verification included`,
  ]
}
