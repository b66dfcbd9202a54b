/** Gets one file from its source to its name, whichever way the source has for it. */
import type { FileHandle } from 'node:fs/promises'
import { type ByteString, textOfBytes } from '../../bytes.js'
import { classify } from '../../core/failures.js'
import type { Engine } from '../../engine/index.js'
import { SustenError } from '../../errors.js'
import type { Existing, NativeFileResult, NativeOwnership } from '../../native.js'
import type { FileBody, FileOffer, FilePlace, FileSource } from '../../source/files.js'
import { join } from '../../storage/index.js'
import type { Failure } from '../core/index.js'
import { failureOf, finding } from '../failures.js'
import { within } from '../within.js'
import { endParts, leastBytes, WriteError, writeBody } from './body.js'
import type { Held } from './held.js'
import { errorOf } from './owners.js'
import { checkPlace, type HttpPlace, type PathPlace } from './place.js'
import type { Stage, Staging } from './staging.js'

/** Where a file goes. */
export interface Destination {
  readonly root: ByteString
  /** What must be mounted there. Undefined: anything. */
  readonly identity: string | undefined
  /** Below the root. */
  readonly dest: ByteString
  /** So many directories at its beginning are this process's. */
  readonly layout: number
  readonly as: NativeOwnership
  readonly existing: Existing
}

/** A file that is under its name. */
export interface Arrived {
  readonly outcome: 'created' | 'replaced' | 'versioned'
  readonly size: number
  readonly digest: string
  /** Name, beside it, of older content that was kept. */
  readonly version?: ByteString | undefined
}

/** What went wrong, and on which side. `gone`: the source says that there is no such file. */
export interface Missed {
  readonly outcome: 'missed'
  readonly side: 'source' | 'target'
  readonly gone: boolean
  readonly failure: Failure
}

export interface TransferHost {
  readonly source: FileSource
  readonly engine: Engine
  readonly staging: Staging
  /** What was made of a file for an attempt that failed, if it may be used: not for a look at what the source has now. */
  readonly held?: Held
  /** Milliseconds after which a transfer that stands still is given up. */
  readonly stall: number
  readonly signal: AbortSignal
}

/** How often a transfer that broke goes on where it broke. */
const resumes = 5
/** Milliseconds to connect. */
const connectTime = 10_000
/** How many times that `stall` a source may take until a content begins, and to give what it has made back. */
const patience = 2
/**
 * The same until it says where a file is: it may have to fetch it, and others with it. Beyond that it must be as quick as
 * so many bytes a millisecond.
 */
const locatePatience = 20
const leastRate = 1024

/** Never rejects. */
export async function transfer(host: TransferHost, file: FileOffer, to: Destination): Promise<Arrived | Missed> {
  try {
    const place = host.held?.take(file) ?? checkPlace(await locate(host, file))
    if (place?.type === 'path') return await copy(host, place, file, to)
    const arrived = place === undefined ? undefined : await receive(host, place, file, to)
    return arrived ?? (await read(host, file, to))
  } catch (error) {
    return missed('source', error)
  }
}

async function locate({ source, stall, signal }: TransferHost, file: FileOffer): Promise<FilePlace | undefined> {
  const locating = Promise.resolve(source.locate?.(file))
  const timeout = locatePatience * stall + Math.ceil((file.size ?? 0) / leastRate)
  return await within(locating, { signal, timeout, what: 'place' }).catch((error: unknown) => {
    // It may come all the same, and is given back then.
    locating.then(
      () => release(source, file),
      () => {},
    )
    throw error
  })
}

async function release(source: FileSource, file: FileOffer): Promise<void> {
  await source.release?.(file)
}

/** What was made for a file is given back. Never rejects. */
export async function giveUp(
  { source, stall, signal }: Pick<TransferHost, 'source' | 'stall' | 'signal'>,
  file: FileOffer,
): Promise<void> {
  await within(release(source, file), { signal, timeout: patience * stall, what: 'release' }).catch(() => {})
}

/** Undefined: its answer must be read another way. */
async function receive(
  { engine, stall, signal }: TransferHost,
  { host, port, target, headers }: HttpPlace,
  { size, mtime }: FileOffer,
  { root, identity, dest, layout, as, existing }: Destination,
): Promise<Arrived | Missed | undefined> {
  const job = {
    host,
    port,
    headers,
    destRoot: root,
    ...(identity === undefined ? {} : { destIdentity: identity }),
    layout,
    ...as,
    directoryOwner: as.uid,
    durability: 'batch',
    digest: true,
    connections: 1,
    timeouts: { connect: Math.min(stall, connectTime), header: stall, stall, leastBytes },
    resumes,
    files: [
      {
        target,
        dest,
        existing,
        ...(size === undefined ? {} : { size }),
        ...(mtime === undefined ? {} : { mtimeNs: nanoseconds(mtime) }),
      },
    ],
  } as const
  try {
    const [result] = await engine.receive(job, { signal })
    if (result === undefined) throw new RangeError('there was one file')
    const { outcome, status, error, digest = '', bytes, version } = result
    if (outcome === 'unsupported') return undefined
    if (outcome === 'status') return answered(status, `http://${host}:${port}${target}`)
    if (outcome === 'skipped' || outcome === 'failed') {
      const found = error === undefined ? new RangeError(`it was ${outcome}`) : await errorOf(error, as.uid)
      return missed(error?.path.startsWith('http://') ? 'source' : 'target', found)
    }
    return { outcome, size: bytes, digest, version }
  } catch (error) {
    return missed(isOfSource(error) ? 'source' : 'target', error)
  }
}

function answered(status: number, url: string): Missed {
  const gone = status === 404 || status === 410
  const failure = finding('ERR_SUSTEN_SERVER', `the server answered ${status} to GET ${url}`, 'GET')
  return { outcome: 'missed', side: 'source', gone, failure }
}

/** The server's name isn't known, or its place makes no request. */
const isOfSource = (error: unknown): boolean =>
  error instanceof SustenError && (error.syscall === 'getaddrinfo' || error.code === 'ERR_SUSTEN_OPTION')

async function copy(host: TransferHost, place: PathPlace, file: FileOffer, to: Destination): Promise<Arrived | Missed> {
  const { source, held } = host
  let isHeld = false
  try {
    const copied = await copyFrom(host, place, to, { size: file.size, times: 'keep', side: 'source' })
    if (copied.outcome !== 'missed' || source.release === undefined) return copied
    isHeld = isTroubleHere(copied) && held?.keep(file, place) === true
    // What was made for it may be missing here: that says nothing of the file.
    return { ...copied, gone: false }
  } finally {
    if (!isHeld) await giveUp(host, file)
  }
}

/** Of this file alone: where nothing can be written, what was made would take the room that is missing. */
const isTroubleHere = ({ side, failure }: Missed): boolean =>
  side === 'target' && failure.code !== 'ABORT_ERR' && classify(failure, 'storage') === 'file'

interface CopyFrom {
  /** Bytes that it must have. */
  readonly size: number | undefined
  /** Whether the file's own time is that of its content. */
  readonly times: 'keep' | 'off'
  /** Whose trouble it is if it can't be read. */
  readonly side: Missed['side']
}

async function copyFrom(
  { engine, signal }: Pick<TransferHost, 'engine' | 'signal'>,
  { root: srcRoot, name: src }: PathPlace,
  { root, identity, dest, layout, as, existing }: Destination,
  { size, times, side }: CopyFrom,
): Promise<Arrived | Missed> {
  const isThere = (error: unknown): boolean => {
    const path = error instanceof SustenError ? error.path : undefined
    return path === textOfBytes(srcRoot) || path === textOfBytes(join(srcRoot, src))
  }
  try {
    const [result] = await engine.copyFiles(
      {
        srcRoot,
        destRoot: root,
        ...(identity === undefined ? {} : { destIdentity: identity }),
        layout,
        as,
        directoryOwner: as.uid,
        options: { ...copying, times },
        files: [{ src, dest, existing, ...(size === undefined ? {} : { size }) }],
      },
      { signal },
    )
    if (result?.error !== undefined) {
      const error = await errorOf(result.error, as.uid)
      return missed(isThere(error) ? side : 'target', error)
    }
    return arrivedOf(result)
  } catch (error) {
    // Of the job as a whole: a directory that isn't there says nothing of the file.
    return { ...missed(isThere(error) ? side : 'target', error), gone: false }
  }
}

const copying = {
  verify: 'inline',
  durability: 'batch',
  strategy: 'auto',
  uid: 'keep',
  gid: 'keep',
  mode: 'keep',
  xattrs: 'off',
  acls: 'off',
} as const

function arrivedOf(result: NativeFileResult | undefined): Arrived {
  if (result === undefined || result.digest === undefined) throw new RangeError('there was one file')
  const { outcome, digest, bytes, fingerprint, version } = result
  if (outcome === 'skipped' || outcome === 'failed') throw new RangeError(`it was ${outcome}`)
  // Nothing was written where the very content was there; nevertheless it has arrived.
  return {
    outcome: outcome === 'unchanged' ? 'replaced' : outcome,
    size: fingerprint?.size ?? bytes,
    digest,
    version,
  }
}

/** The slow way: through this thread to a private file, which is then copied to its name. */
async function read(host: TransferHost, file: FileOffer, to: Destination): Promise<Arrived | Missed> {
  const { source, staging, stall, signal } = host
  const reading = source.read(file, signal)
  const body = await within(reading, { signal, timeout: patience * stall, what: 'answer' }).catch((error: unknown) => {
    // It may come all the same, and is given back then.
    Promise.resolve(reading).then(giveBack, () => {})
    throw error
  })
  try {
    return await staging.use((stage) => readTo(host, stage, body, file, to))
  } catch (error) {
    return missed('target', error)
  } finally {
    giveBack(body)
  }
}

/** Harmless where it was read to its end; where not, who gives must know. */
function giveBack({ content }: FileBody): void {
  try {
    endParts(content[Symbol.asyncIterator]())
  } catch {
    // It was no content.
  }
}

async function readTo(
  host: TransferHost,
  stage: Stage,
  body: FileBody,
  file: FileOffer,
  to: Destination,
): Promise<Arrived | Missed> {
  const { stall, signal } = host
  const name = stage.name()
  const mtime = file.mtime ?? body.mtime
  try {
    const handle = await stage.create(name)
    let size: number
    try {
      size = await writeBody(handle, body, { size: file.size ?? body.size, stall, room: stage.room, signal })
      if (mtime !== undefined) await setTime(handle, mtime)
    } catch (error) {
      return error instanceof WriteError ? missed('target', error.cause) : missed('source', error)
    } finally {
      await handle.close()
    }
    const times = mtime === undefined ? 'off' : 'keep'
    return await copyFrom(host, { type: 'path', root: stage.root, name }, to, { size, times, side: 'target' })
  } finally {
    await stage.remove(name)
  }
}

async function setTime(handle: FileHandle, mtime: number): Promise<void> {
  try {
    // As a fraction of seconds it is cut off at the microsecond, behind which it must not begin.
    await handle.utimes(new Date(), (mtime + 0.0005) / 1000)
  } catch (cause) {
    throw new WriteError('the time of the content could not be set', { cause })
  }
}

const absent = new Set(['ENOENT', 'ENOTDIR'])

function missed(side: Missed['side'], error: unknown): Missed {
  const failure = failureOf(error)
  return { outcome: 'missed', side, gone: side === 'source' && absent.has(failure.code), failure }
}

/** Of milliseconds, to the microsecond: they come as floating-point numbers. */
const nanoseconds = (milliseconds: number): bigint => BigInt(Math.round(milliseconds * 1000)) * 1000n
