/**
 * How lists of files, and what becomes of them, cross the border: an object each, with a property at a time, would cost
 * more than all that is decided on a file. So a list is one text of all names, their lengths, a byte of flags a file, and
 * one block of numbers; and the most frequent events come as plain numbers in a block that the callback and the addon share. Mirrors
 * `native/jobs/packed.cc` and `native/engine/flat_event.h`.
 */
import { Buffer } from 'node:buffer'
import type { ByteString } from './bytes.js'
import type {
  Existing,
  Native,
  NativeCopyFile,
  NativeCopyJob,
  NativeEngine,
  NativeEngineOptions,
  NativeEvent,
  NativeFileResult,
  NativeFingerprint,
  NativeReleaseFile,
  NativeReleaseJob,
  NativeReleaseResult,
} from './native.js'

/** The addon as it is. */
export interface Addon extends Omit<Native, 'openEngine' | 'copyFiles' | 'releaseFiles'> {
  /** `events`: filled before each call of `onEvents`, which must keep it. `others`: those that aren't plain numbers. */
  openEngine(
    options: Omit<NativeEngineOptions, 'onEvents'> & {
      readonly events: ArrayBuffer
      readonly onEvents: (count: number, others: NativeEvent[]) => void
    },
  ): NativeEngine
  copyFiles(engine: NativeEngine, job: NativeCopyJob, ...files: PackedFiles): number
  releaseFiles(engine: NativeEngine, job: NativeReleaseJob, ...files: PackedFiles): number
}

/** All names after each other, the length of each, what is said of each file, and numbers of eight bytes each. */
type PackedFiles = [names: string, lengths: Uint32Array, flags: Uint8Array, numbers: ArrayBuffer]

/** The addon as `lib/native.ts` describes it. */
export function unpacked(addon: Addon): Native {
  return {
    ...addon,
    openEngine({ onEvents, ...options }) {
      const events = new ArrayBuffer(eventsPerCall * eventBytes)
      const read = eventReader(events)
      return addon.openEngine({ ...options, events, onEvents: (count, others) => onEvents(read(count, others)) })
    },
    copyFiles: (engine, job) => addon.copyFiles(engine, job, ...packCopies(job.files)),
    releaseFiles: (engine, job) => addon.releaseFiles(engine, job, ...packReleases(job.files)),
  }
}

// ---- Lists of files --------------------------------------------------------------------------------------------------

/** In the order of the addon's enumerations. */
const existingWords: readonly Existing[] = ['replace', 'refuse', 'skip', 'version']
const byWords: readonly NativeReleaseFile['by'][] = ['link', 'delete', 'clear']

const hasExpect = 4
const hasLink = 8
const hasKnown = 16
const hasKnownDigest = 32
const hasSourceSize = 64
/** Numbers of a copy, at most. */
const copyNumbers = 8

function packCopies(files: readonly NativeCopyFile[]): PackedFiles {
  const names: string[] = []
  const flags = new Uint8Array(files.length)
  const numbers = numberWriter(files.length * copyNumbers)
  let index = 0
  for (const { src, dest, existing, expect, expectLink, known, knownDigest, size } of files) {
    let flag = numberOf('existing', existing, existingWords)
    names.push(src, dest)
    if (expect !== undefined) {
      flag |= hasExpect
      numbers.size(expect.size)
      numbers.integer(expect.mtimeNs)
    }
    if (expectLink !== undefined) {
      flag |= hasLink
      names.push(expectLink)
    }
    if (known !== undefined) {
      flag |= hasKnown
      numbers.integer(known.dev)
      numbers.integer(known.ino)
      numbers.size(known.size)
      numbers.integer(known.mtimeNs)
      numbers.integer(known.ctimeNs)
    }
    if (knownDigest !== undefined) {
      flag |= hasKnownDigest
      names.push(knownDigest)
    }
    if (size !== undefined) {
      flag |= hasSourceSize
      numbers.size(size)
    }
    flags[index++] = flag
  }
  return [names.join(''), lengthsOf(names), flags, numbers.written()]
}

const hasIno = 4
const hasCtime = 8
const hasDigest = 16
const hasCopyDigest = 32
const hasText = 64
const hasCopy = 128
/** Numbers of a release, at most. */
const releaseNumbers = 6

function packReleases(files: readonly NativeReleaseFile[]): PackedFiles {
  const names: string[] = []
  const flags = new Uint8Array(files.length)
  const numbers = numberWriter(files.length * releaseNumbers)
  let index = 0
  for (const { name, by, known, copy, link } of files) {
    let flag = numberOf('by', by, byWords)
    names.push(name)
    numbers.size(known.size)
    numbers.integer(known.mtimeNs)
    if (known.ino !== undefined) {
      flag |= hasIno
      numbers.integer(known.ino)
    }
    if (known.ctimeNs !== undefined) {
      flag |= hasCtime
      numbers.integer(known.ctimeNs)
    }
    if (known.digest !== undefined) {
      flag |= hasDigest
      names.push(known.digest)
    }
    if (copy !== undefined) {
      flag |= hasCopy
      names.push(copy.name)
      numbers.size(copy.size)
      numbers.integer(copy.mtimeNs)
      if (copy.digest !== undefined) {
        flag |= hasCopyDigest
        names.push(copy.digest)
      }
    }
    if (link !== undefined) {
      flag |= hasText
      names.push(link)
    }
    flags[index++] = flag
  }
  return [names.join(''), lengthsOf(names), flags, numbers.written()]
}

function lengthsOf(names: readonly string[]): Uint32Array {
  const lengths = new Uint32Array(names.length)
  let index = 0
  for (const { length } of names) lengths[index++] = length
  return lengths
}

function numberOf<W extends string>(property: string, word: W, words: readonly W[]): number {
  const number = words.indexOf(word)
  if (number < 0) throw new TypeError(`unknown value of ${property}: ${word}`)
  return number
}

interface NumberWriter {
  size(value: number): void
  integer(value: bigint): void
  /** What was written of the block. */
  written(): ArrayBuffer
}

function numberWriter(most: number): NumberWriter {
  const block = new ArrayBuffer(8 * most)
  const sizes = new Float64Array(block)
  const integers = new BigInt64Array(block)
  let at = 0
  return {
    size(value) {
      sizes[at++] = value
    },
    integer(value) {
      integers[at++] = value
    },
    written: () => (at === most ? block : block.slice(0, 8 * at)),
  }
}

// ---- Events ----------------------------------------------------------------------------------------------------------

/** A callback's share: well below a millisecond's work. */
const eventsPerCall = 256
const eventBytes = 112

/** Where the parts of an event are, in 32-bit words and in eights of bytes; the digest in bytes. */
const words = { size: 28, kind: 0, outcome: 1, job: 2, index: 3, strategy: 18, flags: 19 } as const
const eights = { size: 14, bytes: 2, fileSize: 3, dev: 4, ino: 5, mtimeNs: 6, ctimeNs: 7, copyMtimeNs: 8 } as const
const digestAt = 80
const digestEnd = 112

const fileKind = 1
const releaseKind = 2
const doneKind = 3
const hasFingerprint = 1
const hasCopyMtime = 2
const hasFileDigest = 4
const hasAll = 7

/** In the order of the addon's enumerations. */
const outcomes: readonly NativeFileResult['outcome'][] = [
  'created',
  'replaced',
  'unchanged',
  'versioned',
  'skipped',
  'failed',
]
const strategies = ['readwrite', 'reflink', 'copy_file_range', 'sendfile', 'readwrite'] as const
const releaseOutcomes: readonly NativeReleaseResult['outcome'][] = [
  'released',
  'changed',
  'busy',
  'absent',
  'already',
  'missing',
  'kept',
  'failed',
]

/** Reads what the addon has written to a block. */
function eventReader(block: ArrayBuffer): (count: number, others: readonly NativeEvent[]) => NativeEvent[] {
  const int = new Int32Array(block)
  const unsigned = new Uint32Array(block)
  const float = new Float64Array(block)
  const signed = new BigInt64Array(block)
  const natural = new BigUint64Array(block)
  const raw = Buffer.from(block)

  function fingerprintAt(eight: number): NativeFingerprint {
    return {
      dev: natural[eight + eights.dev] ?? 0n,
      ino: natural[eight + eights.ino] ?? 0n,
      size: float[eight + eights.fileSize] ?? 0,
      mtimeNs: signed[eight + eights.mtimeNs] ?? 0n,
      ctimeNs: signed[eight + eights.ctimeNs] ?? 0n,
    }
  }

  function fileAt(index: number, word: number, job: number): NativeFileResult {
    const eight = index * eights.size
    const flags = int[word + words.flags] ?? 0
    const about = {
      type: 'file',
      job,
      index: int[word + words.index] ?? 0,
      name: '' as ByteString,
      outcome: outcomes[int[word + words.outcome] ?? 0] ?? 'failed',
      bytes: float[eight + eights.bytes] ?? 0,
      strategy: strategies[int[word + words.strategy] ?? 0] ?? 'readwrite',
    } as const
    const digest = (): string => raw.toString('latin1', index * eventBytes + digestAt, index * eventBytes + digestEnd)
    const mtimeNs = (): bigint => signed[eight + eights.copyMtimeNs] ?? 0n
    if (flags === hasAll) {
      const { type, name, outcome, bytes, strategy } = about
      return {
        type,
        job,
        index: about.index,
        name,
        outcome,
        bytes,
        strategy,
        digest: digest(),
        fingerprint: fingerprintAt(eight),
        mtimeNs: mtimeNs(),
      }
    }
    return {
      ...about,
      ...(flags & hasFileDigest ? { digest: digest() } : {}),
      ...(flags & hasFingerprint ? { fingerprint: fingerprintAt(eight) } : {}),
      ...(flags & hasCopyMtime ? { mtimeNs: mtimeNs() } : {}),
    }
  }

  function releaseAt(index: number, word: number, job: number): NativeReleaseResult {
    return {
      type: 'release',
      job,
      index: int[word + words.index] ?? 0,
      outcome: releaseOutcomes[int[word + words.outcome] ?? 0] ?? 'failed',
      bytes: float[index * eights.size + eights.bytes] ?? 0,
    }
  }

  return (count, others) => {
    const events: NativeEvent[] = []
    let other = 0
    for (let index = 0; index < count; index++) {
      const word = index * words.size
      const kind = int[word + words.kind]
      const job = unsigned[word + words.job] ?? 0
      if (kind === fileKind) events.push(fileAt(index, word, job))
      else if (kind === releaseKind) events.push(releaseAt(index, word, job))
      else if (kind === doneKind) events.push({ type: 'done', job })
      else {
        const event = others[other++]
        if (event !== undefined) events.push(event)
      }
    }
    return events
  }
}
