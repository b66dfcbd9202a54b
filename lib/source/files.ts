/**
 * Where Furka's files come from: a detector server's file writer, an rsync daemon, a directory, or a source of a user's
 * own. A source says what is there and is whole, hands it over, and removes what it is told to; it decides nothing. What
 * was received, and what may be removed, is Furka's to know: no source removes anything by itself.
 */
import type { SustenError } from '../errors.js'

/** A file that a source has, whole as far as it can tell. Plain data: Furka keeps it in its journal. */
export interface FileOffer {
  /** What the source calls it; no two files at once have the same name. Furka only hands it back. */
  readonly name: string
  /**
   * Where it belongs below the target: text, or bytes where that isn't UTF-8. Relative, and nothing but names between
   * its slashes: Furka refuses what is absolute, or has an empty part, `.`, `..` or a NUL.
   */
  readonly path: string | Uint8Array
  /**
   * Tells this content from another one under the same name. Equal versions: the same content, if {@link exact}. It must
   * not depend on when the source was opened, since it is compared after restarts too.
   */
  readonly version: string
  /**
   * False: other content could have this version too, as when all that is known is the size. Furka then reads the file
   * once more, and compares, before it has it removed.
   */
  readonly exact: boolean
  /** Bytes, if known. What is received must have as many. */
  readonly size?: number
  /** Last change in milliseconds since 1970, if known: the file here gets it. */
  readonly mtime?: number
  /** When the source saw it first, in milliseconds since 1970 by this computer's clock: decides whose file it is. */
  readonly seen: number
  /**
   * Tells the file from another one that takes its name, as an inode does: the same as long as a file merely grows.
   * Like `version`, it mustn't depend on when the source was opened. Absent: it can't be told.
   */
  readonly identity?: string
}

/** A file that a source has seen, and of which its reader can't know yet as it is. */
export interface SeenFile extends Pick<FileOffer, 'name' | 'seen'> {
  /** As its offer would tell them now. Undefined: it wasn't looked at yet. */
  readonly version?: string | undefined
  readonly size?: number | undefined
  readonly identity?: string | undefined
}

/** How a source is doing. Told when it opens, and whenever anything changes. */
export interface SourceState {
  /** It answers, and what it says can be used. While it doesn't, nothing is offered, and nothing is taken for gone. */
  readonly available: boolean
  /** Why not. */
  readonly failure?: SustenError
  /** Files are being written, or will be soon. Absent: not known. */
  readonly busy?: boolean
  /** Bytes that are left of its memory. Absent: not known. */
  readonly free?: number
  /** Files that it has seen, and hasn't offered yet. Absent: not known. */
  readonly unsettled?: number
  /** What else it tells of itself, for people to read: names and values, as of its last look. */
  readonly details: Readonly<Record<string, string>>
}

/**
 * What a source tells:
 * - `file`: a file is whole. Offered again when its content changes, and perhaps after the source was unavailable: who has
 *   that version already asks again for its removal, nothing else;
 * - `withdrawn`: a file that was seen is gone, though nobody here removed it. If it wasn't received, it is lost, unless
 *   it comes back, as a new offer;
 * - `refused`: a name that can't be taken. The file stays where it is; told once while it is there;
 * - `state`: how the source is doing. Only the newest is told to a slow reader.
 */
export type SourceEvent =
  | { readonly type: 'file'; readonly file: FileOffer }
  | { readonly type: 'withdrawn'; readonly name: string; readonly version: string }
  | { readonly type: 'refused'; readonly name: string; readonly reason: string; readonly text: string }
  | { readonly type: 'state'; readonly state: SourceState }

/** Where a file can be had without this program's looking at its content. */
export type FilePlace =
  /** By a GET of plain HTTP: `Engine.receive`. */
  | {
      readonly type: 'http'
      /** Name or address; IPv6 without brackets. */
      readonly host: string
      readonly port: number
      /** As it stands in the request. */
      readonly target: string
      /** More fields of the request. */
      readonly headers: readonly (readonly [name: string, value: string])[]
    }
  /** As a file of this computer: `name` below the directory `root`, which may be shared with another computer. */
  | { readonly type: 'path'; readonly root: string | Uint8Array; readonly name: string | Uint8Array }

/** A file's content, on its way. */
export interface FileBody {
  /** Bytes of the content, if known before its end. */
  readonly size?: number
  /** Last change in milliseconds since 1970, if known. */
  readonly mtime?: number
  /**
   * Ends where the file ends. Throws when it breaks off before, with a wrong length for example: what came until then is
   * worth nothing. Must be read to its end or returned from.
   */
  readonly content: AsyncIterable<Uint8Array>
}

/**
 * What became of a removal:
 * - `removed`; `gone`: it wasn't there any more, which is as good;
 * - `changed`: another version is there. It was left alone, and will be offered;
 * - `early`: it can't be said yet that nothing is written to it any more. It was left alone: ask again `after` so many
 *   milliseconds;
 * - `kept`: this source removes nothing, or not this file, for that reason.
 */
export type Removal =
  | { readonly outcome: 'removed' | 'gone' | 'changed' }
  | { readonly outcome: 'early'; readonly after: number }
  | { readonly outcome: 'kept'; readonly reason: string }

/** A source of files. All that can fail rejects with a SustenError; Furka tries again, for ever. */
export interface FileSource extends AsyncDisposable {
  /** Unique among a Furka's sources, and the same after a restart: what was received is remembered under it. */
  readonly id: string
  /**
   * Begins to look for files: all that are there, then whatever comes. Tells its state first. Ends when the signal
   * aborts, the reader returns, or the source is closed; never by a failure of the other side, which is a `state`.
   * Offers wait for a slow reader. One reading at a time.
   */
  open(signal?: AbortSignal): AsyncIterable<SourceEvent>
  /** Where to get a file without {@link read}; rejects as that does. Absent, or undefined: only `read` does it. */
  locate?(file: FileOffer): FilePlace | undefined | Promise<FilePlace | undefined>
  /**
   * The content of the version that was offered.
   * Rejects with `ENOENT` if the file is gone, `ERR_SUSTEN_CHANGED` if it is known to be another version.
   */
  read(file: FileOffer, signal?: AbortSignal): Promise<FileBody>
  /**
   * What {@link locate} gave for this file isn't needed any more: what was made for it can go; a later `locate` gives anew.
   * Absent: nothing was made. What isn't released goes when the source is closed.
   */
  release?(file: FileOffer): void | Promise<void>
  /**
   * Removes exactly the version that was offered. Called only when it is safe here. May be called for files of earlier
   * runs, and again for the same file. Once it is `removed` or `gone`, no offer of that version is read any more: that
   * would be one of a file that came since.
   */
  remove(file: FileOffer): Promise<Removal>
  /**
   * Resolves when every file that was complete at the source before the call has been seen: its `seen` is before this.
   * Absent: what isn't seen at a user's change belongs to the next user.
   */
  look?(): Promise<void>
  /**
   * The files that were seen, and aren't offered as they are; behind them those that were, where the offer wasn't read
   * yet. What one asks for is the former user's, over a restart too. It is gone through slowly, while the source goes on.
   * Absent: a change of user waits for some seconds until nothing is {@link SourceState.unsettled}.
   */
  unsettled?(): Iterable<SeenFile>
  /** Ends everything; what is under way rejects. Removes nothing. */
  close(): Promise<void>
}
