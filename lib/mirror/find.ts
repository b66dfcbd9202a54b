/** What is known of announced files, for who must know what became of them. */
import { type ByteString, bufferOfBytes, type PathInput, textOfBytes } from '../bytes.js'
import { type CopyRecord, type FileRecord, type State, sourceName } from '../core/index.js'
import { fromNative } from '../errors.js'
import type { Journal } from '../journal/index.js'
import { createSlices } from '../slices.js'
import { parseAnnounced } from '../source/index.js'
import { join } from '../storage/index.js'
import type { Shell } from './shell.js'
import type { FoundCopy, FoundFile } from './types.js'

/** Milliseconds of work at a stretch. */
const slice = 0.25

export interface FindHost {
  readonly source: ByteString
  readonly journal: Journal
  readonly shell: Shell
  readonly state: State
}

/**
 * In the order of the paths; undefined where nothing is known. The journal sees what is on its way to the disk, too:
 * so the answer waits until that is there.
 */
export async function findFiles(
  { source, journal, shell, state }: FindHost,
  paths: readonly PathInput[],
): Promise<(FoundFile | undefined)[]> {
  const found: (FoundFile | undefined)[] = []
  const pause = createSlices(slice)
  for (const given of paths) {
    const { path } = parseAnnounced(source, given, sourceName(state))
    const record = journal.get(path) ?? shell.leavers.get(path)
    found.push(record === undefined ? undefined : { ...named(join(source, path)), ...traceOf(state, record) })
    await pause()
  }
  await shell.postDurably([])
  return found
}

function named(path: ByteString): Pick<FoundFile, 'path' | 'pathBytes'> {
  const text = textOfBytes(path)
  return text.includes('\ufffd') ? { path: text, pathBytes: bufferOfBytes(path) } : { path: text }
}

/** All that is told of a file but its name. */
type Trace = Omit<FoundFile, 'path' | 'pathBytes'>

/** Storages that aren't configured any more are left out. */
function traceOf(state: State, record: FileRecord): Trace {
  const storages: FoundCopy[] = []
  for (const copy of record.copies) {
    const type = state.byId.get(copy.storage)?.config.type
    if (type !== undefined) storages.push(copyOf(copy, type, record))
  }
  return { announced: record.announced, shift: record.shift, storages }
}

function copyOf(copy: CopyRecord, type: FoundCopy['type'], { tiers }: FileRecord): FoundCopy {
  const { storage: id, state, attempts, digest, source, failure } = copy
  // Of an earlier version, where the newer one isn't copied yet.
  const isCopied = state === 'copied'
  const on = tiers?.find(({ tier }) => tier === id)
  return {
    id,
    type,
    state,
    ...(isCopied && digest !== undefined ? { digest } : {}),
    ...(isCopied && source !== undefined ? { size: source.size } : {}),
    ...(isCopied && on !== undefined && on.state !== 'held' ? { released: true } : {}),
    attempts,
    ...(failure === undefined ? {} : { error: errorOf(failure) }),
  }
}

function errorOf(failure: NonNullable<CopyRecord['failure']>): NonNullable<FoundCopy['error']> {
  const { code, errno, syscall, message } = fromNative(failure)
  return { code, errno, syscall, message }
}
