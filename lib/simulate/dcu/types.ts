/** What a simulated detector server is made with, and what it offers. */
import type { Listener } from '../../observe/emitter.js'
import type { Detector } from '../detector.js'
import type { Experiment } from '../diffraction.js'
import type { EigerFormat } from '../series.js'
import type { Fault } from './fault-types.js'
import type { DroppedFile, ServedFile } from './files.js'
import type { TlsFiles } from './listener.js'
import type { Maker } from './maker.js'
import type { Sent } from './send.js'
import type { ApiVersion } from './versions.js'

export interface DcuOptions {
  /** Version of the API. Default `1.8.0`. */
  readonly version?: ApiVersion
  /** Address or name to listen at. Default `127.0.0.1`. */
  readonly host?: string
  /** TCP port. Default 0: a free one. */
  readonly port?: number
  /** TCP port of the admin interface, on the same address; 0 takes a free one. Default: there is none. */
  readonly adminPort?: number
  /** Key and certificate in PEM: the server speaks HTTPS. Default: HTTP. The admin interface is always HTTP. */
  readonly tls?: TlsFiles
  /** `eiger(…)` writes HDF5, `pilatus(…)` CBF, one file an image. Default: an EIGER2 500K with 16 bits. */
  readonly detector?: Detector
  /** Where and how; see {@link Experiment}. `frameTime` is the first value of `frame_time`: default 0.01 s. */
  readonly experiment?: Partial<Experiment>
  /** Images a trigger, the first value of `nimages`. Default 1. */
  readonly images?: number
  /** Triggers a series, the first value of `ntrigger`. Default 1. */
  readonly triggers?: number
  /** The first value of `nimages_per_file`, 0…999,999. Default 1000. */
  readonly imagesPerFile?: number
  /** The first value of `name_pattern`; `$id` becomes the id of the series. Default `series_$id`. */
  readonly namePattern?: string
  /** The first value of `format`. Default `legacy`. Versions before 1.8.0 have that alone. */
  readonly format?: EigerFormat
  /**
   * How many times smaller compression (deflate) makes an EIGER's images, about; the images are made so bright that it
   * comes true. 1…100. Default 1: not compressed.
   */
  readonly compressionRatio?: number
  /**
   * Different images in a series, after which they repeat: making them is then quicker, by about half. 0, the default:
   * all differ.
   */
  readonly variety?: number
  /** Bytes that all files together may have. Default 1 GiB. */
  readonly memory?: number
  /**
   * The `unit` that `buffer_free` comes with: `B`, `KB` or `MB`, which it is then given in, or '' for none. Default:
   * `B` for 1.8.0, none for the others, which mean kilobytes.
   */
  readonly bufferUnit?: string
  /** An empty list of 1.8.0 is `null`, as until firmware 2020.2.4, and not `[]`. Default true. */
  readonly emptyIsNull?: boolean
  /** Ranges of files can be asked for. Default true. */
  readonly ranges?: boolean
  /** The detector is initialized and the file writer enabled from the beginning, and after a restart. Default true. */
  readonly ready?: boolean
  /** Same seed, same images and same chances. Default 1. */
  readonly seed?: number
  /** URL of a module that exports `digestOf(bytes: Buffer): string`. Default: digests are SHA-256, in hex. */
  readonly digests?: string
  /** Makes the files; it stays open, and its `digests` hold. Default: one of its own. */
  readonly maker?: Maker
  /** Faults from the beginning. */
  readonly faults?: readonly Fault[]
  /** Requests that {@link Truth.requests} keeps, the newest. Default 100,000. */
  readonly maxRequests?: number
}

/** A request that was answered, or not. */
export interface ServedRequest {
  readonly id: number
  /** When it came, in milliseconds since 1970. */
  readonly at: number
  /** Tells connections apart. */
  readonly connection: number
  readonly method: string
  /** As it was sent. */
  readonly path: string
  readonly range: string | undefined
  /** The file that it was about: {@link ServedFile.id}. */
  readonly file: number | undefined
  /** The faults that hit it: {@link FaultHandle.id}. */
  readonly faults: readonly number[]
  /** 0: none was sent. */
  readonly status: Sent['status']
  readonly bytes: Sent['bytes']
  readonly outcome: Sent['outcome']
}

/** What really happened: held against what a client says. */
export interface Truth {
  /** Every file that there ever was, in the order of their beginning. */
  readonly files: readonly ServedFile[]
  /** Those that were completed. */
  readonly completed: readonly ServedFile[]
  /** What there was no room for. */
  readonly dropped: readonly DroppedFile[]
  /** Every DELETE of a file, whether or not it was there. */
  readonly deletes: readonly ServedRequest[]
  /** The newest requests, in the order of their answers' end. */
  readonly requests: readonly ServedRequest[]
  /** All requests so far. */
  readonly requestCount: number
  /** Bytes of bodies sent for GET of files. */
  readonly bytesSent: number
}

/** A fault in force. */
export interface FaultHandle extends Disposable {
  readonly id: number
  /** Requests that it has hit. */
  readonly hits: number
  clear(): void
}

/** What a series that the detector is told to take differs in from its configuration. */
export interface AcquireOptions {
  readonly images?: number
  readonly triggers?: number
  readonly imagesPerFile?: number
  readonly namePattern?: string
  /** Seconds. */
  readonly frameTime?: number
}

/** How a file is added. */
export interface AddOptions {
  /** It is listed and served while it grows: in so many steps, over so many milliseconds. Default: it appears whole. */
  readonly grow?: { readonly steps: number; readonly over: number }
}

export interface RestartOptions {
  /** For so many milliseconds nobody can connect. Default 0. */
  readonly downtime?: number
}

/** Events by name. */
export interface DcuEvents {
  /** A file is complete. */
  file: ServedFile
  /** A file is gone, however that came. If a client removed it: before it is answered. */
  gone: ServedFile
  /** There was no room for a file. */
  dropped: DroppedFile
  /** A request is over. */
  request: ServedRequest
  /** A series was armed, or has ended. */
  series: { readonly id: number; readonly state: 'armed' | 'ended' }
}

/** A running detector server. */
export interface Dcu extends AsyncDisposable {
  /** As `http://127.0.0.1:40123`. */
  readonly url: string
  readonly port: number
  /** Of the admin interface. */
  readonly adminUrl: string | undefined
  readonly version: ApiVersion
  readonly truth: Truth
  on<K extends keyof DcuEvents>(type: K, listener: Listener<DcuEvents[K]>): void
  off<K extends keyof DcuEvents>(type: K, listener: Listener<DcuEvents[K]>): void
  /** @throws SustenError `ERR_SUSTEN_OPTION` */
  fault(fault: Fault): FaultHandle
  /** Ends a fault; false if there is none of this id any more. */
  removeFault(id: number): boolean
  /** Ends all faults. */
  clearFaults(): void
  faults(): readonly { readonly id: number; readonly hits: number; readonly fault: Fault }[]
  /**
   * Takes a series: sets what is given, arms, triggers. Resolves with its id when it has ended.
   * @throws SustenError `ERR_SUSTEN_OPTION` if the detector isn't idle, or a value is out of range
   */
  acquire(options?: AcquireOptions): Promise<number>
  /** A trigger from outside, for the modes `exts` and `exte`. Resolves when its images are taken. */
  trigger(): Promise<void>
  /** Adds a file under any name, hostile ones too, in place of another of that name. Undefined: there is no room. */
  add(name: string, content: Uint8Array, options?: AddOptions): Promise<ServedFile | undefined>
  /** Adds one small file under each name that a client must not believe. */
  addHostile(): Promise<readonly ServedFile[]>
  /** The server as after a power cut: connections end, the memory is empty, configuration and series id are the first. */
  restart(options?: RestartOptions): Promise<void>
  close(): Promise<void>
}
