/** The figures at the end. */
import { count, duration, printable, size, table } from './format.js'
import type { Delays } from './tally.js'
import type { Verification } from './verify.js'

/** What came out of a run. Sizes in bytes, delays in milliseconds. Printed as it is with `--json`. */
export interface Report {
  /** Every file that was written is on every storage, and right. */
  readonly ok: boolean
  readonly seed: number
  /** From the first file to the last. */
  readonly seconds: number
  /** From the last file's close until every copy was durable. */
  readonly drainSeconds: number
  readonly files: number
  readonly bytes: number
  readonly buffer: { readonly path: string; readonly fsType: string }
  readonly detectors: readonly { readonly name: string; readonly files: number; readonly bytes: number }[]
  readonly storages: readonly StorageReport[]
  /** How late the event loop of the embedding process was. */
  readonly loopDelay: Delays
  /** The whole process's, simulated detectors and verification included. */
  readonly peakMemory: number
  /** What the mirror told meanwhile. */
  readonly messages: readonly string[]
  /** Copies that failed for good or weren't done in time. */
  readonly failures: readonly { readonly storage: string; readonly path: string; readonly reason: string }[]
}

/** One storage's figures. */
export interface StorageReport {
  readonly id: string
  readonly path: string
  readonly fsType: string
  /** Copies that are durable and have the writer's digest, as the engine told. */
  readonly files: number
  readonly bytes: number
  /** From a file's close to the news that its copy is durable. */
  readonly delays: Delays
  readonly verification: Verification
}

/** The report as text, in lines that fit 80 columns but for long paths. */
export function printReport(report: Report, colour: boolean): string {
  const { storages, files, bytes, detectors, seconds, buffer, loopDelay } = report
  const column = (name: string, value: (storage: StorageReport) => string): string[] => [name, ...storages.map(value)]
  const all = (found: number): string => `${count(found)} of ${count(files)}`
  const figures = table([
    column('', ({ id }) => id),
    column('copied', (storage) => all(storage.files)),
    column('close to durable, median', ({ delays }) => duration(delays.p50)),
    column('close to durable, 99 %', ({ delays }) => duration(delays.p99)),
    column('close to durable, longest', ({ delays }) => duration(delays.max)),
    column('digest right, read again', ({ verification }) => all(verification.files)),
    column('bytes read again', ({ verification }) => size(verification.bytes)),
    column('owner, mode, mtime right', ({ verification }) => all(verification.metadata)),
    column('HDF5 series opened', ({ verification }) => count(verification.masters)),
    column('HDF5 links followed', ({ verification }) => count(verification.links)),
    column('CBF images decoded', ({ verification }) => count(verification.images)),
    column('wrong or missing', ({ verification }) => count(verification.problems.length)),
  ])
  const rate = seconds > 0 ? `: ${(files / seconds).toFixed(1)} files/s, ${size(bytes / seconds)}/s` : ''
  const [p50, p99, max] = [loopDelay.p50, loopDelay.p99, loopDelay.max].map(duration)
  const late = `${p50} (median), ${p99} (99 %), ${max} (longest)`
  const good = (text: string): string => (colour ? `\x1b[32m${text}\x1b[0m` : text)
  const bad = (text: string): string => (colour ? `\x1b[1;31m${text}\x1b[0m` : text)
  const lines = [
    `written      ${count(files)} files, ${size(bytes)} in ${seconds.toFixed(1)} s${rate}`,
    ...detectors.map((one) => `             ${one.name}: ${count(one.files)} files, ${size(one.bytes)}`),
    `buffer       ${buffer.fsType} ${printable(buffer.path)}`,
    ...storages.map(({ id, fsType, path }) => `${id.padEnd(12)} ${fsType} ${printable(path)}`),
    '',
    ...figures,
    '',
    report.failures.length === 0
      ? `last file    all durable ${duration(report.drainSeconds * 1000)} after it was closed`
      : `last file    ${count(report.failures.length)} ${report.failures.length === 1 ? 'copy' : 'copies'} missing`,
    `event loop   late by ${late}`,
    `memory       ${size(report.peakMemory)} at the peak, simulated detectors and verification included`,
    '',
    ...report.messages.map((message) => `message: ${printable(message)}`),
    ...report.failures.map(({ storage, path, reason }) =>
      bad(`not copied to ${storage}: ${path}: ${printable(reason)}`),
    ),
    ...storages.flatMap(({ verification }) =>
      verification.problems.map(({ path, problem }) => bad(`wrong: ${printable(path)}: ${printable(problem)}`)),
    ),
    report.ok
      ? good('Every file is on both storages, and every byte is right.')
      : bad('Not everything is right: see above.'),
  ]
  return `${lines.join('\n')}\n`
}
