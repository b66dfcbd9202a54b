/** What the core is told. Plain data; `at` is milliseconds since the epoch, never running backwards. */
import type { ByteString } from '../../bytes.js'
import type { FurkaUser } from '../user.js'
import type { Failure, Here, Offer, Seen } from './record.js'

/**
 * What Grimsel says of a file that was announced:
 * - `durable`: that very content is durable where it must be;
 * - `pending`: not yet;
 * - `failed`: it was given up there;
 * - `different`: what is there has another digest than what was received;
 * - `unknown`: it knows nothing of the file;
 * - `nowhere`: there is no such tier.
 */
export type Answer = 'durable' | 'pending' | 'failed' | 'different' | 'unknown' | 'nowhere'

export type CoreEvent =
  /** A source has a whole file. */
  | { readonly type: 'offered'; readonly at: number; readonly source: string; readonly offer: Offer }
  /** A source has seen files, and not offered them yet as they are: a part of all those. */
  | {
      readonly type: 'seen'
      readonly at: number
      readonly source: string
      readonly files: readonly Seen[]
      /** The first part of them, and the last one: of those that were seen before there are no others. */
      readonly first: boolean
      readonly last: boolean
      /** Right before, the source had looked at everything. */
      readonly whole: boolean
    }
  /** A source has a version no more, though nobody here removed it. */
  | {
      readonly type: 'withdrawn'
      readonly at: number
      readonly source: string
      readonly name: string
      readonly version: string
    }
  /** A source, or Furka itself, can't take a name. */
  | {
      readonly type: 'refused'
      readonly at: number
      readonly source: string
      readonly name: string
      readonly reason: string
      readonly text: string
    }
  /** How a source is doing. */
  | {
      readonly type: 'source'
      readonly at: number
      readonly source: string
      readonly available: boolean
      readonly failure?: Failure | undefined
    }
  /** Nothing will be left of a source's memory in so many seconds. */
  | { readonly type: 'filling'; readonly at: number; readonly source: string; readonly seconds: number }
  /** Whether files can be written below a source's target. */
  | {
      readonly type: 'target'
      readonly at: number
      readonly source: string
      readonly failure?: Failure | undefined
    }
  /** A file is here, whole, under its name. */
  | {
      readonly type: 'received'
      readonly at: number
      readonly seq: number
      readonly outcome: 'created' | 'replaced' | 'versioned'
      readonly here: Here
      /** Older contents that lie beside it, where somebody may not have come to telling of them. */
      readonly also?: readonly ByteString[]
    }
  /** A file couldn't be received. `gone`: the source says that there is no such file. `source`: that side failed. */
  | {
      readonly type: 'receiveFailed'
      readonly at: number
      readonly seq: number
      readonly side: 'source' | 'target'
      readonly gone: boolean
      readonly failure: Failure
      /** As with `received`; and what lies under the name, where the source says that it is gone. */
      readonly also?: readonly ByteString[]
    }
  /** What lies under a file's name here, and beside it. */
  | { readonly type: 'sought'; readonly at: number; readonly seq: number; readonly also: readonly ByteString[] }
  | { readonly type: 'seekFailed'; readonly at: number; readonly seq: number; readonly failure: Failure }
  /** A received file was compared with the source once more. */
  | {
      readonly type: 'verified'
      readonly at: number
      readonly seq: number
      readonly outcome: 'same' | 'different' | 'gone'
    }
  | { readonly type: 'verifyFailed'; readonly at: number; readonly seq: number; readonly failure: Failure }
  /** Grimsel has these files; those it will not take are `refused`. */
  | {
      readonly type: 'announced'
      readonly at: number
      readonly seqs: readonly number[]
      readonly refused: readonly { readonly seq: number; readonly failure: Failure }[]
    }
  /** Grimsel knows of a turn. */
  | { readonly type: 'userTold'; readonly at: number; readonly turn: number }
  /** What Grimsel says of files; `present`: the file is under its name here, as it was received or as a link. */
  | {
      readonly type: 'answered'
      readonly at: number
      readonly answers: readonly {
        readonly seq: number
        readonly answer: Answer
        readonly present: boolean
        readonly text?: string | undefined
      }[]
    }
  /** Grimsel can't be reached: what was asked of it wasn't done, or isn't known to have been. */
  | {
      readonly type: 'grimselFailed'
      readonly at: number
      /** The command. */
      readonly call: 'announce' | 'tellUser' | 'ask'
      readonly seqs: readonly number[]
      readonly failure: Failure
    }
  /** What became of a removal. */
  | {
      readonly type: 'removed'
      readonly at: number
      readonly seq: number
      readonly outcome: 'removed' | 'gone' | 'changed'
    }
  | { readonly type: 'removeLater'; readonly at: number; readonly seq: number; readonly after: number }
  | { readonly type: 'removeRefused'; readonly at: number; readonly seq: number; readonly reason: string }
  | { readonly type: 'removeFailed'; readonly at: number; readonly seq: number; readonly failure: Failure }
  /** Files that were received, and aren't here any more. */
  | { readonly type: 'missing'; readonly at: number; readonly seqs: readonly number[] }
  /** Older contents that lie beside a file that was received before the start: somebody may not have come to telling. */
  | { readonly type: 'beside'; readonly at: number; readonly seq: number; readonly also: readonly ByteString[] }
  /** Another user's turn begins. `since`: files that were seen until then are still the former one's. */
  | {
      readonly type: 'userChange'
      readonly at: number
      readonly since: number
      readonly user: FurkaUser
      /** Sources may have seen files before, of which nobody knows yet: `settled` will say when they have told of them. */
      readonly unsettled?: boolean
    }
  /** Sources have told of all that they had seen before, as far as they can. */
  | { readonly type: 'settled'; readonly at: number; readonly before: number }
  /** So many journal operations are durable now. */
  | { readonly type: 'journaled'; readonly at: number; readonly ops: number }
  /** Nothing new is begun any more; what is received is still announced. */
  | { readonly type: 'drain'; readonly at: number }
  /** Time has passed. */
  | { readonly type: 'tick'; readonly at: number }
