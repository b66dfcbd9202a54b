/** What can be made to go wrong with answers. */

/** Which requests a fault concerns. */
export interface FaultScope {
  /**
   * `data`: files. `list`: lists of files. `api`: everything else, versions, states and commands. `any`: all.
   * Default: `data` for what happens to a body, `list` for `body` and the lags, `any` for the rest.
   */
  readonly on?: FaultArea
  /** A regular expression that the request's path, as it was sent, must match somewhere. */
  readonly match?: string
  /** Default: all methods; GET for what happens to a body. */
  readonly methods?: readonly string[]
  /** So many requests are spared first. Default 0. */
  readonly skip?: number
  /** Ends after so many requests. Default: goes on until it is cleared. */
  readonly times?: number
  /** How likely each request is hit, 0…1, from the server's seed. Default 1. */
  readonly chance?: number
}

export type FaultArea = 'data' | 'list' | 'api' | 'any'

/** What goes wrong. Several faults can hit one request: all of them work. */
export type FaultEffect =
  /**
   * Nothing but this status, with a short text: 404 for everything as a crashed file writer, 500, 503. The request has no
   * effect, unless it is `executed` all the same.
   */
  | { readonly kind: 'status'; readonly status: number; readonly executed?: boolean }
  /** The connection is reset instead of an answer. */
  | { readonly kind: 'reset' }
  /** The answer begins so many milliseconds late. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** The body comes at this pace. */
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }
  /** After so many bytes of the body (default 0) nothing comes for `ms` milliseconds (default: until the client goes). */
  | { readonly kind: 'stall'; readonly after?: number; readonly ms?: number }
  /** After so many bytes of the body the connection ends. */
  | { readonly kind: 'cut'; readonly after: number }
  /**
   * Content-Length says so many bytes more than come, and the connection ends behind them; or, if negative, less than
   * come: the rest follows all the same.
   */
  | { readonly kind: 'length'; readonly by: number }
  /** One byte of the body is another: that at `at`, default the one in the middle. */
  | { readonly kind: 'corrupt'; readonly at?: number }
  /** The body comes in chunks, without Content-Length. */
  | { readonly kind: 'chunked' }
  /** The body is compressed, whether or not the client takes that. */
  | { readonly kind: 'gzip' }
  /** The connection ends behind the answer. */
  | { readonly kind: 'close' }
  /** Ranges are ignored: the whole comes, with 200. */
  | { readonly kind: 'ignore-range' }
  /** Ranges are answered with 206, but from the first byte of the file. */
  | { readonly kind: 'wrong-range' }
  /** Another body with 200, as text or as Base64: lists that are no JSON, pages of HTML. */
  | { readonly kind: 'body'; readonly text?: string; readonly base64?: string; readonly type?: string }
  /**
   * The answer begins with this text, whatever it is, instead of a proper head; `{length}` in it becomes the length of the
   * body, which follows unless `body` is false. Then the connection ends. `piece`: the text comes in pieces of so many
   * bytes, some milliseconds apart.
   */
  | { readonly kind: 'raw'; readonly head: string; readonly body?: boolean; readonly piece?: number }
  /** Lists show files so many milliseconds after they are complete. */
  | { readonly kind: 'list-late'; readonly ms: number }
  /** Lists show files for so many milliseconds after they are gone. */
  | { readonly kind: 'list-stale'; readonly ms: number }
  /** Files are listed and served while they are written, in `steps` steps (default 4). */
  | { readonly kind: 'growing'; readonly steps?: number }
  /** Files of a series are complete so many milliseconds late: detector and file writer say before that they are done. */
  | { readonly kind: 'late'; readonly ms: number }

export type FaultKind = FaultEffect['kind']

export type Fault = FaultScope & FaultEffect
