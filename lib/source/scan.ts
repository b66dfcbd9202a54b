/** A complete look at the source: what is there is announced, what is there no more is forgotten. */
import type { ByteString } from '../bytes.js'
import type { FileRecord, Fingerprint } from '../core/index.js'
import type { WalkEntries } from '../engine/index.js'
import type { NativeError } from '../native.js'
import { inSlices } from '../slices.js'
import { createNameFilter, type NameFilter } from './name-filter.js'
import type { SeenFile, Verdict } from './settling.js'

/** What a scan needs of its surroundings. */
export interface ScanHost {
  walk(): AsyncIterable<WalkEntries>
  /** Whether a file is to be announced at all. */
  wants(path: ByteString): boolean
  judge(path: ByteString, fingerprint: Fingerprint): Verdict
  /** A directory or file could not be read. */
  unreadable(error: NativeError): void
  /** Announces files that are quiet; resolves when they are journaled. */
  announce(files: readonly SeenFile[]): Promise<void>
  /** Keeps an eye on a file that may still be being written. */
  settle(path: ByteString, fingerprint: Fingerprint): void
  /** All records, and how many there are. */
  records(): AsyncIterable<FileRecord>
  recordCount(): number
  /** Whether a file is certainly gone. */
  isGone(path: ByteString): Promise<boolean>
  /** Lets the catalog forget a file that is gone. */
  vanished(path: ByteString): void
}

/** Announcements of a scan that may be on their way to the journal, in batches. */
const outstanding = 8

/**
 * Scans once.
 * @param round Counts scans: from time to time, records are compared even where nothing seems to be missing.
 * @returns how many files there are, and whether all could be read
 */
export async function scanSource(
  host: ScanHost,
  round: number,
  signal: AbortSignal,
): Promise<{ files: number; complete: boolean }> {
  const names = createNameFilter(host.recordCount(), round)
  const recordsBefore = host.recordCount()
  const announced: Promise<void>[] = []
  let files = 0
  let complete = true
  for await (const batch of host.walk()) {
    if (signal.aborted) return { files, complete: false }
    for (const error of batch.unreadable) host.unreadable(error)
    if (batch.unreadable.length > 0) complete = false
    files += batch.names.length
    const quiet = await sift(host, batch, names)
    if (quiet.length > 0) announced.push(host.announce(quiet))
    if (announced.length >= outstanding) await announced.shift()
  }
  await Promise.all(announced)
  if (complete && (recordsBefore > files || round % 10 === 0)) await forget(host, names, signal)
  return { files, complete }
}

/** The files of a batch that are to be announced now; those that may still be written are kept in mind. */
async function sift(host: ScanHost, batch: WalkEntries, names: NameFilter): Promise<SeenFile[]> {
  const quiet: SeenFile[] = []
  await inSlices(batch.names, (path, index) => {
    const fingerprint = batch.fingerprints[index]
    names.add(path)
    if (fingerprint === undefined || !host.wants(path)) return
    const verdict = host.judge(path, fingerprint)
    if (verdict === 'quiet') quiet.push({ path, fingerprint })
    else if (verdict === 'young') host.settle(path, fingerprint)
  })
  return quiet
}

/** Forgets records of files that the scan didn't meet, and that are gone when looked for. */
export async function forget(
  host: Pick<ScanHost, 'records' | 'isGone' | 'vanished'>,
  names: NameFilter | undefined,
  signal: AbortSignal,
): Promise<void> {
  for await (const record of host.records()) {
    if (signal.aborted) return
    if (names?.mayHave(record.path)) continue
    if (record.copies.every((copy) => copy.state === 'copied') && (await host.isGone(record.path))) {
      host.vanished(record.path)
    }
  }
}
