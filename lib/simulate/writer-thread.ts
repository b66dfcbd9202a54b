/** The thread of {@link startWriter}: makes the files, keeps the pace, writes. */
import { Buffer } from 'node:buffer'
import { chownSync, closeSync, fchmodSync, fchownSync, lstatSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { setPriority } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep, setImmediate as yieldNow } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { type FileBuilder, openSeries } from './build.js'
import { loadDigester } from './digest.js'
import { type Hdf5Builder, loadHdf5 } from './hdf5.js'
import { filesOf, type SeriesFile } from './series.js'
import type { DetectorRun, WriterCommand, WriterMessage, WriterOptions, WrittenFile } from './writer.js'

if (parentPort === null) throw new Error('writer-thread.js runs as a worker thread only')
const port = parentPort
const options = workerData as WriterOptions
let stopped = false
port.on('message', (command: WriterCommand) => {
  if (command === 'stop') stopped = true
})
// A real detector has computers of its own: this one takes what processor time the others leave. On Linux, 0 means
// this thread alone.
setPriority(0, 10)
const digestOf = await loadDigester(options.digests, () => '')
const hdf5 = await loadHdf5()
await Promise.all(options.detectors.map((run, index) => runDetector(run, index, hdf5)))
port.close()

async function runDetector(run: DetectorRun, detector: number, hdf5: Hdf5Builder): Promise<void> {
  const slot = 1000 / run.filesPerSecond
  let due = performance.now()
  for (const [index, series] of run.series.entries()) {
    if (stopped) return
    const build = openSeries(series, hdf5)
    makeDirectories(dirname(series.name))
    report({ type: 'armed', detector, series: index })
    for (const file of filesOf(series)) {
      const bytes = contentOf(build, file)
      const digest = digestOf(bytes)
      const wait = due - performance.now()
      // Even a late detector lets commands and the others through.
      await (wait > 0 ? sleep(wait) : yieldNow())
      // A late file is written without pauses.
      const spread = wait > -slot ? slot * 0.6 : 0
      const written = await writeInPlace(file, bytes, spread, run.mode ?? 0o644)
      report({ type: 'written', file: { ...file, ...written, detector, series: index, digest } })
      due = Math.max(due + slot, performance.now() - 1000)
    }
  }
}

function report(message: WriterMessage): void {
  port.postMessage(message)
}

function contentOf(build: FileBuilder, file: SeriesFile): Buffer {
  const bytes = build(file)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * Creates, fills and closes a file; owner and mode are set before it closes. A data file grows by an image at a time,
 * over about `spread` milliseconds.
 */
async function writeInPlace(
  file: SeriesFile,
  bytes: Buffer,
  spread: number,
  mode: number,
): Promise<Pick<WrittenFile, 'size' | 'closedAt' | 'uid' | 'gid' | 'mode' | 'mtimeNs'>> {
  const path = join(options.directory, file.name)
  const pieces = file.kind === 'data' ? file.lastImage - file.firstImage + 1 : 1
  const descriptor = openSync(path, 'wx', mode)
  try {
    if (options.owner !== undefined) fchownSync(descriptor, options.owner.uid, options.owner.gid)
    fchmodSync(descriptor, mode)
    for (let piece = 0; piece < pieces; piece++) {
      if (piece > 0 && spread > 0) await sleep(spread / pieces)
      const from = Math.floor((bytes.length * piece) / pieces)
      const to = Math.floor((bytes.length * (piece + 1)) / pieces)
      writeAll(descriptor, bytes.subarray(from, to))
    }
  } finally {
    closeSync(descriptor)
  }
  const closedAt = process.hrtime.bigint()
  const { uid, gid, mode: type, mtimeNs } = lstatSync(path, { bigint: true })
  return { size: bytes.length, closedAt, uid: Number(uid), gid: Number(gid), mode: Number(type) & 0o7777, mtimeNs }
}

function writeAll(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
}

/** Makes the missing directories of `name`, with the files' owner. */
function makeDirectories(name: string): void {
  let path = options.directory
  for (const part of name.split('/').filter((part) => part !== '.' && part !== '')) {
    path = join(path, part)
    try {
      mkdirSync(path, 0o755)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue
      throw error
    }
    if (options.owner !== undefined) chownSync(path, options.owner.uid, options.owner.gid)
  }
}
