/** The thread of {@link verifyTier}. */
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { digestOf } from './digest.js'
import type { ExpectedFile, Problem, VerifyJob, VerifyMessage } from './verify.js'
import { type ContentCount, checkCbf, openHdf5Check } from './verify-content.js'

if (parentPort === null) throw new Error('verify-thread.js runs as a worker thread only')
const port = parentPort
const { root, later = [], expected } = workerData as VerifyJob
const checkHdf5 = await openHdf5Check()
const problems: Problem[] = []
const counts = { files: 0, bytes: 0, released: 0, metadata: 0, masters: 0, links: 0, images: 0 }
let reported = performance.now()
for (const file of expected) {
  verifyFile(file)
  if (performance.now() - reported < 100) continue
  reported = performance.now()
  report({ type: 'progress', files: counts.files, bytes: counts.bytes })
}
findStrangers(new Set(expected.map(({ path }) => path)))
report({ type: 'done', verification: { ...counts, problems } })

function report(message: VerifyMessage): void {
  port.postMessage(message)
}

function verifyFile(file: ExpectedFile): void {
  const path = join(root, file.path)
  const complain = (problem: string): void => void problems.push({ path, problem })
  try {
    const found = regularFile(path, file, later)
    if (lstatSync(path).isSymbolicLink()) counts.released++
    const wrong = wrongMetadata(file, found)
    if (wrong === '') counts.metadata++
    else complain(wrong)
    const bytes = readFileSync(path)
    if (bytes.length !== file.size) {
      complain(`${bytes.length} bytes instead of ${file.size}`)
      return
    }
    const digest = digestOf(bytes)
    if (digest !== file.digest) {
      complain(`digest ${digest} instead of ${file.digest}`)
      return
    }
    counts.files++
    counts.bytes += bytes.length
    const { content } = file
    const opened: ContentCount = content.kind === 'cbf' ? checkCbf(bytes, content) : checkHdf5(path, content)
    counts.masters += opened.masters
    counts.links += opened.links
    counts.images += opened.images
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error))
  }
}

/**
 * The file, here or where links in its place lead: to the same path on a later tier. Throws if it isn't there.
 * @param later The later tiers' directories.
 */
function regularFile(path: string, file: ExpectedFile, later: readonly string[]): BigIntStats {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  if (found === undefined) throw new Error('missing')
  if (found.isFile()) return found
  if (later.length === 0 || !found.isSymbolicLink()) throw new Error('no regular file')
  const target = readlinkSync(path)
  const tier = later.findIndex((directory) => join(directory, file.path) === target)
  if (tier < 0) throw new Error(`a link to ${target}`)
  return regularFile(target, file, later.slice(tier + 1))
}

/** What of owner, mode and time is wrong; empty if nothing. */
function wrongMetadata(file: ExpectedFile, found: BigIntStats): string {
  const mode = Number(found.mode) & 0o7777
  const wrong: string[] = []
  if (Number(found.uid) !== file.uid) wrong.push(`owner ${found.uid} instead of ${file.uid}`)
  if (Number(found.gid) !== file.gid) wrong.push(`group ${found.gid} instead of ${file.gid}`)
  if (mode !== file.mode) wrong.push(`mode ${mode.toString(8)} instead of ${file.mode.toString(8)}`)
  if (found.mtimeNs !== file.mtimeNs) wrong.push(`modified at ${found.mtimeNs} ns instead of ${file.mtimeNs} ns`)
  return wrong.join(', ')
}

/** Whatever is there and shouldn't be: a leftover temp file, a version, a name gone wrong. */
function findStrangers(known: ReadonlySet<string>, below = ''): void {
  const directory = join(root, below)
  try {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const name = join(below, entry.name)
      if (entry.isDirectory()) findStrangers(known, name)
      else if (!known.has(name)) problems.push({ path: join(root, name), problem: 'must not be here' })
    }
  } catch (error) {
    problems.push({ path: directory, problem: error instanceof Error ? error.message : String(error) })
  }
}
