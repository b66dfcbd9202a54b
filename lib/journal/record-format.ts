/** A file's record as bytes. What is needed to index it comes first: seq, path, and the state on each storage. */
import type { ByteString } from '../bytes.js'
import {
  type CopyRecord,
  copyRecord,
  type Failure,
  type FileRecord,
  type Fingerprint,
  fileRecord,
  type TierRecord,
  tierRecord,
} from '../core/record.js'
import { SustenError } from '../errors.js'
import type { ByteReader } from './byte-reader.js'
import type { ByteWriter } from './byte-writer.js'

const STATES = ['pending', 'copied', 'failed'] as const
const STATE_BITS = 3
const HAS_FAILURE = 4
/** A digest of 32 hex digits, as 16 bytes; or any other, as text. */
const HAS_DIGEST = 8
const HAS_DIGEST_TEXT = 16
const HAS_SOURCE = 32
/** The same as on the nearest storage before that has one. */
const SAME_DIGEST = 64
const SAME_SOURCE = 128
/**
 * Tiers follow the copies, as entries of storages with names that no storage has. `held` is listed like pending, `link`
 * like failed.
 */
const TIER = 'tier:'
const TIER_STATES = { held: 0, unsure: 0, gone: 1, link: 2 } as const
/** Of a tier: it isn't sure that it is held. */
const IS_UNSURE = 8
/** Of a tier: the storage to which its link leads. */
const HAS_TO = 16
/** In the number of attempts, of which it is the lowest bit. */
const HAS_MTIME = 1

/** Whether a copy's flags say that it is pending or failed, and which. `undefined`: copied. */
export function listedState(flags: number): 'pending' | 'failed' | undefined {
  const state = STATES[flags & STATE_BITS]
  return state === 'copied' ? undefined : state
}

/** What a journal lists a tier's files by, in the place of a storage's id. */
export const tierList = (tier: string): string => `${TIER}${tier}`

/** The tier whose files go by this name, if it is that of a tier's list. */
export const tierOfList = (name: string): string | undefined =>
  name.startsWith(TIER) ? name.slice(TIER.length) : undefined

/** The numbers by which storages, and the lists of tiers' files, go in a journal. */
export interface Numbers {
  storage(id: string): number
  tier(id: string): number
}

export function encodeRecord(out: ByteWriter, record: FileRecord, numbers: Numbers): void {
  checkRecord(record)
  const { copies, tiers } = record
  out.varint(record.seq)
  out.latin1(record.path)
  out.varint(copies.length + (tiers === undefined ? 0 : tiers.length))
  let digest: string | undefined
  let source: Fingerprint | undefined
  const flags = new Array<number>(copies.length)
  let index = 0
  for (const copy of copies) {
    const flag = flagsOf(copy, digest, source)
    flags[index++] = flag
    out.varint(numbers.storage(copy.storage))
    out.u8(flag)
    digest = copy.digest ?? digest
    source = copy.source ?? source
  }
  if (tiers !== undefined) {
    for (const tier of tiers) {
      out.varint(numbers.tier(tier.tier))
      out.u8(tierFlags(tier))
    }
  }
  out.varint(record.cut)
  out.varint(record.shift)
  out.f64(record.announced)
  index = 0
  for (const copy of copies) encodeCopy(out, copy, flags[index++] ?? 0)
  if (tiers === undefined) return
  for (const { attempts, failure, to } of tiers) {
    out.varint(attempts)
    if (failure !== undefined) encodeFailure(out, failure)
    if (to !== undefined) out.varint(numbers.storage(to))
  }
}

/** What of a copy isn't said by its state. */
function encodeCopy(out: ByteWriter, { attempts, failure, digest, source, mtimeNs }: CopyRecord, flags: number): void {
  out.varint(attempts * 2 + (mtimeNs === undefined ? 0 : HAS_MTIME))
  if (failure !== undefined) encodeFailure(out, failure)
  if (digest !== undefined && flags & HAS_DIGEST) out.hex(digest)
  if (digest !== undefined && flags & HAS_DIGEST_TEXT) out.utf8(digest)
  if (source !== undefined && flags & HAS_SOURCE) encodeFingerprint(out, source)
  if (mtimeNs !== undefined) out.i64(mtimeNs)
}

/** Which storages, and which lists of tiers' files, go by numbers in a journal. */
export interface Names {
  storageOf(number: number): string
  tierOf(number: number): string | undefined
}

export function decodeRecord(from: ByteReader, known: Names): FileRecord {
  const seq = from.varint()
  const path = from.latin1() as ByteString
  const count = from.count(2)
  const numbers = new Array<number>(count)
  const flags = new Array<number>(count)
  /** Copies come first. */
  let copied = 0
  for (let i = 0; i < count; i++) {
    const number = from.varint()
    numbers[i] = number
    flags[i] = from.u8()
    if (copied === i && known.tierOf(number) === undefined) copied += 1
  }
  const cut = from.varint()
  const shift = from.varint()
  const announced = from.f64()
  const about = { seq, path, cut, shift, announced }
  // As long as they are: what grows takes more, and is kept.
  const copies = new Array<CopyRecord>(copied)
  const before: Before = { digest: undefined, source: undefined }
  for (let i = 0; i < copied; i++) {
    copies[i] = decodeCopy(from, known.storageOf(numbers[i] ?? 0), flags[i] ?? 0, before)
  }
  if (copied === count) return fileRecord(about, copies, undefined)
  const tiers = new Array<TierRecord>(count - copied)
  for (let i = copied; i < count; i++) {
    tiers[i - copied] = decodeTier(from, known.tierOf(numbers[i] ?? 0) ?? '', flags[i] ?? 0, known)
  }
  return fileRecord(about, copies, tiers)
}

/** What the nearest copy before has that has one. */
interface Before {
  digest: string | undefined
  source: Fingerprint | undefined
}

function decodeCopy(from: ByteReader, storage: string, flags: number, before: Before): CopyRecord {
  const attempts = from.varint()
  const failure = flags & HAS_FAILURE ? decodeFailure(from) : undefined
  if (flags & HAS_DIGEST) before.digest = from.hex(16)
  if (flags & HAS_DIGEST_TEXT) before.digest = from.utf8()
  if (flags & HAS_SOURCE) before.source = decodeFingerprint(from)
  const digest = flags & (HAS_DIGEST | HAS_DIGEST_TEXT | SAME_DIGEST) ? before.digest : undefined
  const source = flags & (HAS_SOURCE | SAME_SOURCE) ? before.source : undefined
  const mtimeNs = attempts % 2 === HAS_MTIME ? from.i64() : undefined
  const state = STATES[flags & STATE_BITS] ?? 'pending'
  return copyRecord(storage, state, Math.floor(attempts / 2), { digest, source, mtimeNs }, failure)
}

function tierFlags({ state, failure, to }: TierRecord): number {
  let flags: number = TIER_STATES[state]
  if (state === 'unsure') flags |= IS_UNSURE
  if (failure !== undefined) flags |= HAS_FAILURE
  if (to !== undefined) flags |= HAS_TO
  return flags
}

function decodeTier(from: ByteReader, id: string, flags: number, known: Names): TierRecord {
  const listed = listedState(flags)
  const held = flags & IS_UNSURE ? 'unsure' : 'held'
  const state = listed === undefined ? 'gone' : listed === 'failed' ? 'link' : held
  const attempts = from.varint()
  const failure = flags & HAS_FAILURE ? decodeFailure(from) : undefined
  const to = flags & HAS_TO ? known.storageOf(from.varint()) : undefined
  return tierRecord(id, state, attempts, to, failure)
}

function flagsOf(copy: CopyRecord, digest: string | undefined, source: Fingerprint | undefined): number {
  let flags: number = STATES.indexOf(copy.state)
  if (copy.failure !== undefined) flags |= HAS_FAILURE
  if (copy.digest !== undefined) {
    if (copy.digest === digest) flags |= SAME_DIGEST
    else flags |= /^[0-9a-f]{32}$/.test(copy.digest) ? HAS_DIGEST : HAS_DIGEST_TEXT
  }
  if (copy.source !== undefined) flags |= isSame(copy.source, source) ? SAME_SOURCE : HAS_SOURCE
  return flags
}

function isSame(one: Fingerprint, other: Fingerprint | undefined): boolean {
  if (one === other) return true
  return (
    other !== undefined &&
    one.ino === other.ino &&
    one.size === other.size &&
    one.ctimeNs === other.ctimeNs &&
    one.mtimeNs === other.mtimeNs &&
    one.dev === other.dev
  )
}

/** What doesn't fit the fixed fields: an mtime beyond the year 2262, say, which users may set. */
const WIDE = 1

function encodeFingerprint(out: ByteWriter, source: Fingerprint): void {
  const { dev, ino, size, mtimeNs, ctimeNs } = source
  if (isUnsigned(dev) && isUnsigned(ino) && isSigned(mtimeNs) && isSigned(ctimeNs)) {
    out.u8(0)
    out.varint(size)
    out.u64(dev)
    out.u64(ino)
    out.i64(mtimeNs)
    out.i64(ctimeNs)
  } else {
    out.u8(WIDE)
    out.varint(size)
    for (const value of [dev, ino, mtimeNs, ctimeNs]) out.utf8(String(value))
  }
}

const isUnsigned = (value: bigint): boolean => value >= 0n && value < 0x1_0000_0000_0000_0000n
const isSigned = (value: bigint): boolean => value >= -0x8000_0000_0000_0000n && value < 0x8000_0000_0000_0000n

function decodeFingerprint(from: ByteReader): Fingerprint {
  const isWide = from.u8() === WIDE
  const size = from.varint()
  const dev = isWide ? BigInt(from.utf8()) : from.u64()
  const ino = isWide ? BigInt(from.utf8()) : from.u64()
  const mtimeNs = isWide ? BigInt(from.utf8()) : from.i64()
  const ctimeNs = isWide ? BigInt(from.utf8()) : from.i64()
  return { dev, ino, size, mtimeNs, ctimeNs }
}

function encodeFailure(out: ByteWriter, failure: Failure): void {
  const { code, errno, syscall, path, dest } = failure
  out.u8((errno < 0 ? 1 : 0) | (dest === undefined ? 0 : 2))
  out.varint(Math.abs(errno))
  out.utf8(code)
  out.utf8(syscall)
  out.latin1(path)
  if (dest !== undefined) out.latin1(dest)
}

function decodeFailure(from: ByteReader): Failure {
  const flags = from.u8()
  const magnitude = from.varint()
  const errno = flags & 1 ? -magnitude : magnitude
  const failure = { errno, code: from.utf8(), syscall: from.utf8(), path: from.latin1() as ByteString }
  return flags & 2 ? { ...failure, dest: from.latin1() as ByteString } : failure
}

/** What the fields can't hold must not be cut to fit. */
function checkRecord(record: FileRecord): void {
  const { seq, path, cut, shift, announced, copies, tiers } = record
  if (!isCount(seq) || !isCount(cut) || !isCount(shift) || !Number.isFinite(announced)) throw refused(record)
  if (!isBytes(path)) throw refused(record)
  for (const { storage, state, attempts, source, mtimeNs, failure } of copies) {
    if (!STATES.includes(state) || !isCount(attempts) || storage.startsWith(TIER)) throw refused(record)
    if (source !== undefined && !isCount(source.size)) throw refused(record)
    if (mtimeNs !== undefined && !isSigned(mtimeNs)) throw refused(record)
    if (failure !== undefined && !isStorable(failure)) throw refused(record)
  }
  if (tiers === undefined) return
  for (const { state, attempts, failure } of tiers) {
    if (TIER_STATES[state] === undefined || !isCount(attempts)) throw refused(record)
    if (failure !== undefined && !isStorable(failure)) throw refused(record)
  }
}

const isStorable = ({ errno, path, dest }: Failure): boolean =>
  isCount(Math.abs(errno)) && isBytes(path) && isBytes(dest ?? '')

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0
const isBytes = (text: string): boolean => !/[\u0100-\uffff]/.test(text)

function refused(record: FileRecord): SustenError {
  const what = JSON.stringify(record, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  return new SustenError(`a journal can't hold this record: ${what}`, { code: 'ERR_SUSTEN_OPTION' })
}
