/**
 * The end of the log: takes entries, writes them group by group, and says when they are durable. One group is under
 * way at a time; what comes meanwhile is the next one. After a failure nothing is written any more.
 */
import { Buffer } from 'node:buffer'
import { SustenError } from '../errors.js'
import type { Catalog } from './catalog.js'
import { unexpected } from './failures.js'
import type { AppendFile, JournalFiles } from './files.js'
import {
  encodeHeader,
  FORMAT_VERSION,
  FRAME_BYTES,
  HEADER_BYTES,
  LONGEST_FRAME,
  sealFrame,
  segmentName,
} from './format.js'
import type { Segment } from './segment.js'

/** Entries that become durable together. */
interface Group {
  readonly segment: Segment
  readonly start: number
  end: number
  ops: number
  /** Seqs whose announcement becomes durable with it. */
  readonly fresh: number[]
  readonly settle: ((error?: SustenError) => void)[]
}

/** Where entries were put. */
export interface Placed {
  readonly segment: Segment
  /** Position of the first. */
  readonly at: number
  readonly group: Group
}

export interface LogOptions {
  readonly catalog: Catalog
  readonly files: JournalFiles
  readonly id: string
  readonly segmentBytes: number
  /** The last segment, of whose file {@link AppendFile} is open. */
  readonly active: Segment
  readonly file: AppendFile
  /** Number of the last commit. */
  readonly commit: number
}

export class Log {
  readonly #options: LogOptions
  readonly #groups: Group[] = []
  /** Open files of segments to which something is still to be written. */
  readonly #files = new Map<number, Promise<AppendFile>>()
  #active: Segment
  #open: Group | undefined
  #running: Promise<void> | undefined
  #commit: number
  commits = 0
  ops = 0
  uncommitted = 0
  /** Why nothing is written any more. */
  failure: SustenError | undefined

  constructor(options: LogOptions) {
    this.#options = options
    this.#active = options.active
    this.#commit = options.commit
    this.#files.set(options.active.number, Promise.resolve(options.file))
  }

  /** Number of the segment that grows. */
  get active(): number {
    return this.#active.number
  }

  /** Takes entries into the group that is next to be written. Their bytes are in place at once. */
  put(entries: Buffer, ops: number): Placed {
    if (entries.length > LONGEST_FRAME) {
      throw new SustenError('too much at once for the journal: at most 1 GiB', { code: 'ERR_SUSTEN_OPTION' })
    }
    const group = this.#groupFor(entries.length)
    const at = group.end
    entries.copy(group.segment.bytes, at)
    group.end += entries.length
    group.segment.used = group.end
    group.ops += ops
    this.uncommitted += ops
    this.#start()
    return { segment: group.segment, at, group }
  }

  /** Resolves when a group, or everything so far, is durable. */
  durable(group: Group | undefined = this.#groups.at(-1)): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure)
    if (group === undefined) return Promise.resolve()
    return new Promise((resolve, reject) => {
      group.settle.push((error) => (error === undefined ? resolve() : reject(error)))
    })
  }

  /** Resolves when everything is durable or has failed, and the files are closed. Nothing may be put any more. */
  async close(): Promise<void> {
    await this.#running
    for (const file of this.#files.values()) await (await file.catch(() => undefined))?.close()
    this.#files.clear()
  }

  /** Stops for good. */
  fail(error: SustenError): void {
    this.failure ??= error
    this.#open = undefined
    for (const group of this.#groups.splice(0)) for (const settle of group.settle) settle(this.failure)
  }

  #groupFor(length: number): Group {
    const open = this.#open
    if (open !== undefined && open.end + length <= open.segment.bytes.length) return open
    if (this.#active.used + FRAME_BYTES + length > this.#active.bytes.length) this.#rotate(length)
    const start = this.#active.used
    const made = { segment: this.#active, start, end: start + FRAME_BYTES, ops: 0, fresh: [], settle: [] }
    this.#active.used = made.end
    this.#open = made
    this.#groups.push(made)
    return made
  }

  #rotate(length: number): void {
    const { catalog, segmentBytes } = this.#options
    const number = this.#active.number + 1
    const capacity = Math.max(segmentBytes, HEADER_BYTES + FRAME_BYTES + length)
    this.#active = this.#newSegment(number, capacity)
    catalog.segments.set(number, this.#active)
    const ready = this.#files.get(number)
    // Made ahead in vain (the disk was full then, say): once more, now that it is needed.
    this.#files.set(number, ready === undefined ? this.#create(number) : ready.catch(() => this.#create(number)))
    this.#files.get(number)?.catch(() => {})
  }

  #newSegment(number: number, capacity: number): Segment {
    const bytes = Buffer.allocUnsafeSlow(capacity)
    this.#header(number).copy(bytes)
    return { number, bytes, used: HEADER_BYTES, durable: HEADER_BYTES }
  }

  #header(number: number): Buffer {
    return encodeHeader({ version: FORMAT_VERSION, number, id: this.#options.id })
  }

  /** Only when the file before it is there: a gap between segments would mean that one is lost. */
  async #create(number: number): Promise<AppendFile> {
    await this.#files.get(number - 1)
    return this.#options.files.create(segmentName(number), this.#header(number))
  }

  /** Makes the next segment's file before it is needed: that takes as long as several commits. */
  #prepare(): void {
    const next = this.#active.number + 1
    if (this.#active.used * 2 < this.#options.segmentBytes || this.#files.has(next)) return
    const made = this.#create(next)
    made.catch(() => {})
    this.#files.set(next, made)
  }

  #start(): void {
    this.#running ??= Promise.resolve()
      .then(() => this.#run())
      .finally(() => {
        this.#running = undefined
        if (this.#groups.length > 0) this.#start()
      })
  }

  async #run(): Promise<void> {
    for (let group = this.#groups[0]; group !== undefined; group = this.#groups[0]) {
      if (this.#open === group) this.#open = undefined
      try {
        await this.#write(group)
        this.#options.catalog.settle(group.fresh)
      } catch (error) {
        this.fail(error instanceof SustenError ? error : unexpected(error))
        return
      }
      this.#groups.shift()
      this.commits += 1
      this.ops += group.ops
      this.uncommitted -= group.ops
      for (const settle of group.settle) settle()
      this.#prepare()
    }
  }

  async #write(group: Group): Promise<void> {
    const { segment, start, end } = group
    sealFrame(segment.bytes, start, end, this.#commit + 1)
    const file = await this.#files.get(segment.number)
    if (file === undefined) throw new RangeError(`segment ${segment.number} of the journal has no file`)
    await file.append(segment.bytes.subarray(start, end), start)
    this.#commit += 1
    segment.durable = end
    await this.#closeLeft(segment.number)
  }

  /** Closes files of segments before the one that is written to. */
  async #closeLeft(current: number): Promise<void> {
    for (const [number, file] of this.#files) {
      if (number >= current) continue
      this.#files.delete(number)
      await (await file).close()
    }
  }
}
