/** What the core asks for. Plain data; every command can be carried out twice without harm. */
import type { ByteString } from '../../bytes.js'
import type { Counted } from '../../coalesce.js'
import type { FurkaMessageCode } from '../types.js'
import type { FurkaUser } from '../user.js'
import type { FileRecord, Here, Offer, Turn } from './record.js'

/** A message to be told. */
export interface Saying {
  readonly code: FurkaMessageCode
  readonly severity: 'info' | 'warning' | 'error'
  /** The source's id, if one is concerned. */
  readonly source?: string | undefined
  readonly subject: string
  readonly text: string
}

/** What is told to whoever listens, once what it says is durable. */
export type Notice =
  | {
      readonly type: 'received'
      readonly record: FileRecord & { readonly here: Here }
      readonly outcome: 'created' | 'replaced' | 'versioned'
      readonly user: FurkaUser
    }
  | { readonly type: 'announced'; readonly record: FileRecord & { readonly here: Here }; readonly at: number }
  | { readonly type: 'removed'; readonly record: FileRecord; readonly outcome: 'removed' | 'gone' }
  | { readonly type: 'userChanged'; readonly turn: Turn }
  | { readonly type: 'message'; readonly message: Counted<Saying> }

/** A value to be stored, or forgotten if there is none. */
export interface JournalOp {
  readonly type: 'set'
  readonly key: string
  readonly value: unknown
}

/** What others than the shell itself carry out. */
export type Order =
  /** Receives files of one source. */
  | {
      readonly type: 'receive'
      readonly source: string
      readonly files: readonly {
        readonly seq: number
        readonly offer: Offer
        readonly user: FurkaUser
        /** It may have been received before, and that not been told: older contents beside it are to be looked for. */
        readonly again: boolean
      }[]
    }
  /** Looks for files at their names here: they may have come there, and that not been noted. */
  | {
      readonly type: 'seek'
      readonly source: string
      readonly files: readonly { readonly seq: number; readonly offer: Offer; readonly user: FurkaUser }[]
    }
  /** Reads files of a source once more, and compares them with what was received. */
  | {
      readonly type: 'verify'
      readonly source: string
      readonly files: readonly { readonly seq: number; readonly offer: Offer; readonly here: Here }[]
    }
  /** Hands files over to Grimsel. */
  | {
      readonly type: 'announce'
      readonly files: readonly { readonly seq: number; readonly paths: readonly ByteString[] }[]
    }
  /** Tells Grimsel whose turn begins. */
  | { readonly type: 'tellUser'; readonly turn: Turn }
  /** Asks Grimsel whether files are durable where they must be. */
  | { readonly type: 'ask'; readonly files: readonly { readonly seq: number; readonly here: Here }[] }
  /** Has files removed at their source. */
  | {
      readonly type: 'remove'
      readonly source: string
      readonly files: readonly { readonly seq: number; readonly offer: Offer }[]
    }

export type Command =
  | Order
  /** Stores values all at once, then tells. */
  | { readonly type: 'journal'; readonly ops: readonly JournalOp[]; readonly notices: readonly Notice[] }
  | { readonly type: 'tell'; readonly notice: Notice }
  /** Wants a `tick` at this time; for ever, if it is infinite. Takes the place of the one before. */
  | { readonly type: 'wake'; readonly at: number }
