/** Opens a journal: finds or makes its directory, locks it, reads the log, and goes on at its end. */
import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { checkBoolean, checkInteger, checkNames, optionError } from '../options.js'
import { Catalog } from './catalog.js'
import { expectJournal, prepareDirectory } from './directory.js'
import { diskFiles } from './disk.js'
import type { AppendFile, JournalFiles } from './files.js'
import { encodeHeader, FORMAT_VERSION, HEADER_BYTES, isUnfinished, LONGEST_FRAME, segmentName } from './format.js'
import type { Journal, JournalOptions } from './journal.js'
import { lockJournal } from './lock.js'
import { Log } from './log.js'
import { openedJournal, viewedJournal } from './opened.js'
import { listSegments, type Replayed, replay } from './replay.js'
import type { Segment } from './segment.js'

const SEGMENT_BYTES = 4 * 1024 * 1024

/**
 * Opens the journal in a directory, making it if there is none (unless `readOnly`).
 * @throws SustenError `ERR_SUSTEN_LOCKED`: someone has it open. `ERR_SUSTEN_JOURNAL_VERSION`: of an unknown version.
 * `ERR_SUSTEN_JOURNAL`: damaged. `ERR_SUSTEN_OPTION`: a wrong option, or a directory that is no journal and not empty,
 * or that others may change. `ENOENT` with `readOnly`: there is none. Else the system's errors.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  checkNames('openJournal', options, ['directory', 'readOnly', 'segmentBytes', 'files'])
  if (typeof options.directory !== 'string' || options.directory === '') {
    throw optionError("option 'directory' must be a path")
  }
  const directory = resolve(options.directory)
  const segmentBytes = checkInteger('segmentBytes', options.segmentBytes ?? SEGMENT_BYTES, 1024, LONGEST_FRAME)
  if (checkBoolean('readOnly', options.readOnly ?? false)) {
    if (options.files === undefined) await expectJournal(directory)
    return viewedJournal(directory, await look(options.files ?? diskFiles(directory, () => {})))
  }
  const files = options.files ?? (await lockedFiles(directory))
  try {
    return await openLog(directory, files, segmentBytes)
  } catch (error) {
    await files.release()
    throw error
  }
}

/**
 * Everything that can still be read of a damaged journal, to look at. Storages whose names are lost are called by their
 * numbers; a file may come back that was forgotten in the part that is lost.
 * @param onDamage Told of each thing that is wrong.
 */
export async function salvageJournal(directory: string, onDamage: (damage: Error) => void): Promise<Journal> {
  const path = resolve(directory)
  await expectJournal(path)
  const files = diskFiles(path, () => {})
  const catalog = new Catalog(true)
  const { id } = await replay(files, catalog, await listSegments(files), onDamage)
  return viewedJournal(path, { catalog, id })
}

async function lockedFiles(directory: string): Promise<JournalFiles> {
  await prepareDirectory(directory)
  return diskFiles(directory, await lockJournal(directory))
}

async function openLog(directory: string, files: JournalFiles, segmentBytes: number): Promise<Journal> {
  const catalog = new Catalog()
  for (const name of await files.list()) if (isUnfinished(name)) await files.remove(name)
  const numbers = await listSegments(files)
  const isNew = numbers.length === 0
  const replayed = isNew ? nothing() : await replay(files, catalog, numbers)
  if (replayed.torn !== undefined) {
    await files.truncate(segmentName(replayed.torn.segment), replayed.torn.length)
  }
  // What was read may be in the page cache only. Decisions rely on it, segments are removed because of it, and frames
  // that are durable will follow it.
  await files.settle([...catalog.segments.keys()].map(segmentName))
  for (const number of replayed.obsolete) {
    catalog.segments.delete(number)
    await files.remove(segmentName(number))
  }
  const { active, file } = isNew
    ? await firstSegment(files, catalog, replayed.id, segmentBytes)
    : await lastSegment(files, catalog, segmentBytes)
  const { id, commit } = replayed
  const log = new Log({ catalog, files, id, segmentBytes, active, file, commit })
  return openedJournal({ directory, id, catalog, log, files, segmentBytes })
}

interface Active {
  readonly active: Segment
  readonly file: AppendFile
}

async function firstSegment(files: JournalFiles, catalog: Catalog, id: string, segmentBytes: number): Promise<Active> {
  const header = encodeHeader({ version: FORMAT_VERSION, number: 1, id })
  const file = await files.create(segmentName(1), header)
  const active = { number: 1, bytes: grown(header, segmentBytes), used: HEADER_BYTES, durable: HEADER_BYTES }
  catalog.segments.set(1, active)
  return { active, file }
}

async function lastSegment(files: JournalFiles, catalog: Catalog, segmentBytes: number): Promise<Active> {
  const active = [...catalog.segments.values()].at(-1)
  if (active === undefined) throw new RangeError('the journal has no segment')
  active.bytes = grown(active.bytes, segmentBytes)
  return { active, file: await files.open(segmentName(active.number)) }
}

/** The same content with room behind it. */
function grown(bytes: Buffer, capacity: number): Buffer {
  if (bytes.length >= capacity) return bytes
  const made = Buffer.allocUnsafeSlow(capacity)
  bytes.copy(made)
  return made
}

function nothing(): Replayed {
  return { id: randomBytes(8).toString('hex'), commit: 0, torn: undefined, obsolete: [] }
}

/**
 * Reads a log to which another process may be writing: what looks like damage may be a change between two reads.
 */
async function look(files: JournalFiles): Promise<{ catalog: Catalog; id: string }> {
  for (let tries = 1; ; tries++) {
    const catalog = new Catalog()
    try {
      const { id } = await replay(files, catalog, await listSegments(files))
      return { catalog, id }
    } catch (error) {
      if (tries === 5) throw error
    }
  }
}
