/** A complete look at the source: what is there is announced, what is there no more is forgotten. */
import type { ByteString } from '../bytes.js'
import type { FileRecord, Fingerprint } from '../core/index.js'
import type { WalkEntries } from '../engine/index.js'
import { createNameFilter, type NameFilter } from './name-filter.js'
import { type SeenFile } from './settling.js'
import { inSlices } from './slices.js'

/** What a scan needs of its surroundings. */
export interface ScanHost {
  walk(): AsyncIterable<WalkEntries>
  /** Whether a file is to be announced at all. */
  wants(path: ByteString): boolean
  /** Whether this version of it is known, so that nothing is to be done. */
  knows(path: ByteString, fingerprint: Fingerprint): boolean
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

/** A file that nobody touched for this long, in milliseconds, is quiet at the first look. */
const longQuiet = 60_000
/** Announcements of a scan that may be on their way to the journal, in batches. */
const outstanding = 8

/**
 * Scans once.
 * @param round Counts scans: from time to time, records are compared even where nothing seems to be missing.
 * @param now Milliseconds since the epoch, of the clock that file times are of.
 * @returns how many files there are, and whether all could be read
 */
export async function scanSource(
  host: ScanHost,
  round: number,
  now: () => number,
  signal: AbortSignal,
): Promise<{ files: number; complete: boolean }> {
  const names = createNameFilter(host.recordCount(), round)
  const recordsBefore = host.recordCount()
  const announced: Promise<void>[] = []
  let files = 0
  let complete = true
  for await (const batch of host.walk()) {
    if (signal.aborted) return { files, complete: false }
    if (batch.unreadable.length > 0) complete = false
    files += batch.names.length
    const quiet = await sift(host, batch, names, BigInt(Math.round(now())) * 1_000_000n)
    if (quiet.length > 0) announced.push(host.announce(quiet))
    if (announced.length >= outstanding) await announced.shift()
  }
  await Promise.all(announced)
  if (complete && (recordsBefore > files || round % 10 === 0)) await forget(host, names, signal)
  return { files, complete }
}

/** The files of a batch that are to be announced now; those that may still be written are kept in mind. */
async function sift(host: ScanHost, batch: WalkEntries, names: NameFilter, now: bigint): Promise<SeenFile[]> {
  const quiet: SeenFile[] = []
  await inSlices(batch.names, (path, index) => {
    const fingerprint = batch.fingerprints[index]
    names.add(path)
    if (fingerprint === undefined || !host.wants(path) || host.knows(path, fingerprint)) return
    const { mtimeNs, ctimeNs } = fingerprint
    const touched = mtimeNs > ctimeNs ? mtimeNs : ctimeNs
    if (now - touched >= BigInt(longQuiet) * 1_000_000n) quiet.push({ path, fingerprint })
    else host.settle(path, fingerprint)
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
