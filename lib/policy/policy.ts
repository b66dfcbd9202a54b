/**
 * What a user writes to decide where files go and how failures are retried: a plain object with any of the methods
 * below. See docs/POLICIES.md.
 *
 * Rules for every method: it is called inside the deterministic core, so it decides from its arguments alone (no
 * clock, no randomness, no input or output), answers at once, and changes nothing. A method that throws, or an answer
 * that would break a promise, is dropped and reported as a `POLICY` message; the default answer holds then.
 */

/** A file as policies see it. Paths are text; bytes that aren't UTF-8 are U+FFFD. */
export interface PolicyFile {
  /** Below the source directory. */
  readonly path: string
  /** The part that is recreated below a target. */
  readonly replicated: string
  /** Number of the shift that it belongs to; 0 for a Mirror, which has none. */
  readonly shift: number
  /** Milliseconds since the epoch when it was announced. */
  readonly announced: number
}

/** A storage as policies see it. */
export interface PolicyStorage {
  readonly id: string
  readonly type: 'internal' | 'external' | 'optional'
  /** False while it is unavailable. Its files wait then; choosing it is right nonetheless. */
  readonly available: boolean
  /** Used fraction 0…1 when it was last read, if it ever was. */
  readonly fill?: number
}

/** A copy that failed for a reason of the file's own: conditions of a whole storage are not asked about. */
export interface PolicyAttempt {
  readonly file: PolicyFile
  readonly storage: PolicyStorage
  /** Error code, e.g. `EACCES` or `ERR_SUSTEN_DIGEST`. */
  readonly code: string
  /** Failed attempts since the file was announced or retried, this one included: 1, 2, … */
  readonly attempts: number
  /** What the built-in rule would do. */
  readonly proposed: number | 'give-up'
}

/** A file that a tier could give its space back for. */
export interface PolicyCopiedFile extends PolicyFile {
  /** Bytes that a release would free. */
  readonly size: number
  /** Last modification, milliseconds since the epoch. */
  readonly modified: number
  /**
   * Last access, milliseconds since the epoch, as far as the file system keeps it. Only looked for where the policy says
   * `byAccess`, and when space runs short; else the same as `modified`.
   */
  readonly accessed: number
  /** Ids of the storages on which it is durable. */
  readonly durable: readonly string[]
}

/** A tier that space can be released from: the buffer, or the internal storage where there is an external one. */
export interface PolicyTier {
  /** `buffer`, or the storage's id. */
  readonly id: string
  /** Id of the storage to which its files go next; it serves them once they are released here. */
  readonly next: string
  /** Used fraction 0…1, of bytes or inodes, whichever is more; 0 until it was read. */
  readonly fill: number
  /** Fill state at which release begins. */
  readonly limit: number
  /** Whether the site wants links in place of released files. */
  readonly createLinks: boolean
}

/** A shift that has ended. */
export interface PolicyShift {
  readonly number: number
  readonly uid: number
  readonly gid: number
  /** Milliseconds since the epoch. */
  readonly started: number
  readonly ended: number
}

/**
 * Whether a tier may give a file's space back. `never` pins it, at a shift's end too. `copied`: as soon as its copy on
 * the next tier is durable. `full`: when the tier fills; lower `order` goes first, by default the order of
 * announcement.
 */
export type Release =
  | { readonly when: 'never' }
  | { readonly when: 'copied' | 'full'; readonly by: 'link' | 'delete'; readonly order?: number }

/** Decides for a Mirror, or for a Grimsel. All methods are optional. */
export interface StoragePolicy {
  /** Names the policy in messages. */
  readonly name: string
  /** `release` asks when a file was last read: every file that is considered is looked at then. Default false. */
  readonly byAccess?: boolean
  /**
   * Ids of the storages that a file must go to, asked when it is announced. Default: all. An unknown id is dropped and
   * reported; so is an empty answer, and the file goes to all.
   */
  storages?(file: PolicyFile, storages: readonly PolicyStorage[]): readonly string[]
  /**
   * Milliseconds until a failed copy is tried again (0…3,600,000, at least 10 pass), or `give-up`: the file is `failed` then, with its
   * reason, until it is retried on request. Default: the `retry` options.
   */
  retry?(attempt: PolicyAttempt): number | 'give-up'
  /**
   * Whether and when a tier may give a file's space back. Asked of files that it could give back safely, when that has
   * become so and when space runs short. Default: never, but at a shift's end. A Mirror never releases, and refuses such
   * a policy.
   */
  release?(file: PolicyCopiedFile, tier: PolicyTier): Release
  /**
   * Whether a tier is cleared of an ended shift's files, as soon as each is durable further down. Asked once, when the
   * shift ends. Default: `keep`. A Mirror has no shifts, and refuses such a policy.
   */
  shiftEnd?(shift: PolicyShift, tier: PolicyTier): 'clear' | 'keep'
}
