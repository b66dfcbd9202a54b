/**
 * The whole native surface, typed. `native/addon.cc` implements exactly this and nothing else, but for how lists of files
 * and their results are packed on the way: `lib/packed.ts`.
 *
 * Every function returns at once; work is done on the engine's own threads (or a watcher's own thread) and reported
 * in batches through the callback that the handle was opened with. No call blocks the event loop on a disk.
 *
 * Conventions: paths are {@link ByteString}s (one byte a character); sizes are bytes as `number`; device numbers,
 * inode numbers and nanosecond times are `bigint`; nanoseconds count from the epoch.
 */
import type { ByteString } from './bytes.js'
import { loadAddon } from './load-addon.js'
import { type Addon, unpacked } from './packed.js'

/** An engine: a pool of threads, a bounded queue, a table of system calls. Opaque. */
export interface NativeEngine {
  readonly __engine: unique symbol
}

/** A recursive inotify watch with a thread of its own. Opaque. */
export interface NativeWatcher {
  readonly __watcher: unique symbol
}

/** An exclusive lock on a file, released by {@link Native.unlockFile} or the process's end. Opaque. */
export interface NativeLock {
  readonly __lock: unique symbol
}

/** A watch on a pipe's reading end, with a thread of its own. Opaque. */
export interface NativePipeWatch {
  readonly __pipeWatch: unique symbol
}

/** Who has a pipe's other ends, and whether there is room in it. */
export interface NativePipeState {
  /** Of a reading end: all writers that came since it was opened have gone. */
  readonly isAbandoned: boolean
  /** Of a writing end: nobody has it open for reading. */
  readonly isUnheard: boolean
  /** Of a writing end: who writes waits. */
  readonly isFull: boolean
}

/** A process at the other end of a Unix socket. */
export interface NativePeer {
  readonly pid: number
  readonly uid: number
  readonly gid: number
  /** Supplementary groups; empty before Linux 4.13. */
  readonly groups: readonly number[]
}

/** Why something failed. `path` and `dest` are absolute where the failing step had absolute roots. */
export interface NativeError {
  /** `ENOSPC`, `EIO`, … for system errors; `ERR_SUSTEN_*` for the engine's own findings, see `lib/errors.ts`. */
  readonly code: string
  /** Positive errno, 0 for the engine's own findings. */
  readonly errno: number
  /** The system call that failed, or the step's name (`copy`, `compare`, `verify`, `owner`). */
  readonly syscall: string
  readonly path: ByteString
  readonly dest?: ByteString
}

/** What identifies a file's content version without reading it. */
export interface NativeFingerprint {
  readonly dev: bigint
  readonly ino: bigint
  readonly size: number
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

export type Verify = 'none' | 'inline' | 'readback'
export type Durability = 'none' | 'batch' | 'each'
export type Strategy = 'auto' | 'reflink' | 'copy_file_range' | 'sendfile' | 'readwrite'
/** `keep`: preserve or fail; `try`: preserve where permitted, else leave and go on; `off`: leave to the system. */
export type Preserve = 'keep' | 'try' | 'off'

/** How one file's content and metadata are carried over. */
export interface NativeCopyOptions {
  readonly verify: Verify
  readonly durability: Durability
  readonly strategy: Strategy
  readonly uid: Preserve
  readonly gid: Preserve
  readonly mode: Preserve
  readonly times: Preserve
  readonly xattrs: Preserve
  readonly acls: Preserve
}

/**
 * What to do when the destination name exists and is a regular file:
 * - `replace`: put the new content in its place atomically;
 * - `refuse`: fail with `EEXIST`;
 * - `skip`: leave it, report `outcome: 'skipped'`;
 * - `version`: identical content is left (`unchanged`); if {@link NativeCopyFile.expect} matches it is replaced;
 *   anything else is kept beside it as `name.~N~` and the new content takes the name (`versioned`).
 */
export type Existing = 'replace' | 'refuse' | 'skip' | 'version'

export interface NativeCopyFile {
  /** Below the job's `srcRoot`. */
  readonly src: ByteString
  /** Below the job's `destRoot`. */
  readonly dest: ByteString
  readonly existing: Existing
  /** Size and mtime of our own earlier copy: a destination that matches is replaced without a version. */
  readonly expect?: { readonly size: number; readonly mtimeNs: bigint }
  /** Text of a symbolic link of ours that may stand for an earlier copy: it is replaced without a version. */
  readonly expectLink?: ByteString
  /**
   * Fingerprint of the source when that copy was made. If the source still has it, the destination matches `expect`,
   * and the source's content is still that of `knownDigest` (without one: that of the destination), the outcome is
   * `unchanged`. The content is read because stores through a shared mapping need not change any time stamp. If the source is another file by now
   * (inode number, time of birth), `expect` doesn't count: the copy of the earlier one is kept. Only with `version`.
   */
  readonly known?: NativeFingerprint
  /** Digest of that copy: with it, `unchanged` needs no look at the destination's content. */
  readonly knownDigest?: string
  /** The size that the source must have; another one is `ERR_SUSTEN_CHANGED`, and nothing is copied. */
  readonly size?: number
}

/** Whose copies are, whatever the source has, and their permission bits, 0…0777. */
export interface NativeOwnership {
  readonly uid: number
  readonly gid: number
  readonly mode: number
  readonly directoryMode: number
}

/** Copies files by name below two roots. Emits one `file` event per file in any order, then one `done`. */
export interface NativeCopyJob {
  readonly srcRoot: ByteString
  readonly destRoot: ByteString
  /** If set, the job fails with `ERR_SUSTEN_STORAGE` before writing unless `srcRoot` has this volume identity. */
  readonly srcIdentity?: string
  /** The same for `destRoot`. */
  readonly destIdentity?: string
  /** So many directories at the beginning of every `dest` have no counterpart in the source. Default 0. */
  readonly layout?: number
  /** Of files, and of directories behind `layout` that are missing. `options` says whether it is kept or tried. */
  readonly as?: NativeOwnership
  /**
   * Directories of `dest` behind `layout` must belong to this user, to root, to the process, or to whom `destRoot` belongs
   * to. Nothing is written below any other: `EPERM`, whose `syscall` is `owner` and whose `path` is that directory, looked
   * at where it is open. Default: owners aren't looked at.
   */
  readonly directoryOwner?: number
  readonly files: readonly NativeCopyFile[]
  readonly options: NativeCopyOptions
}

/** The version of a file that was copied. */
export interface NativeKnownVersion {
  readonly size: number
  readonly mtimeNs: bigint
  readonly ino?: bigint
  /** Status change time. Whoever renames the file, an undone release too, changes it: absent, it doesn't count. */
  readonly ctimeNs?: bigint
  /** XXH3-128 in lower-case hex: the file is read while nobody can write to it, and must have it. */
  readonly digest?: string
}

/** What a release must find on the next tier before it touches the original. */
export interface NativeTierCopy {
  /** Below the job's `nextRoot`. */
  readonly name: ByteString
  readonly size: number
  /** As the target's file system has it. */
  readonly mtimeNs: bigint
  /** XXH3-128 in lower-case hex: the copy is read, and must have it. */
  readonly digest?: string
}

/**
 * One file to give back. `link`: a symbolic link takes its place; `delete`: nothing does; `clear`: like `delete`, and
 * where a link of an earlier release stands, that goes.
 */
export interface NativeReleaseFile {
  /** Below the job's `root`. */
  readonly name: ByteString
  readonly by: 'link' | 'delete' | 'clear'
  readonly known: NativeKnownVersion
  /** Absent: none is looked at, the caller answers for it. Only with `delete`. */
  readonly copy?: NativeTierCopy
  /** Text of the link: to be made with `link`, to be recognised with `clear`. */
  readonly link?: ByteString
}

/**
 * Gives back the space of files that are safe on the next tier; see docs/ARCHITECTURE.md, "The release protocol". Emits
 * one `release` event per file in any order, then one per directory, then one `done`.
 */
export interface NativeReleaseJob {
  readonly root: ByteString
  /** If set, the job fails with `ERR_SUSTEN_STORAGE` before touching anything unless `root` has this volume identity. */
  readonly rootIdentity?: string
  /** Where the copies are. Not opened, and not needed, if no file has one. */
  readonly nextRoot?: ByteString
  /** The same for `nextRoot`. */
  readonly nextIdentity?: string
  readonly files: readonly NativeReleaseFile[]
  /** Directories below `root`, removed after all files if they are empty, deepest first. Default none. */
  readonly directories?: readonly ByteString[]
  /**
   * Directories below `root` (the empty name is `root` itself) in which a dead process with the engine's `tempTag` may
   * have been in the middle of a release: what it had put away gets its name again, before anything else is done.
   * Directories of `files` are looked at anyway. Default none.
   */
  readonly restore?: readonly ByteString[]
  /** `batch`: changed directories are synced before results are told. */
  readonly durability: 'none' | 'batch'
}

/** How long a server may take, in milliseconds. A transfer as a whole may take for ever. */
export interface NativeReceiveTimeouts {
  /** To connect, for each address. */
  readonly connect: number
  /** From the request to the end of the answer's header. */
  readonly header: number
  /** For any `leastBytes` of the body. */
  readonly stall: number
  /** 1: not one byte within `stall` is a failure. More also ends transfers that hardly move. */
  readonly leastBytes: number
}

export interface NativeReceiveFile {
  /** What is requested, as it stands in the request: a path with its query, escaped by the caller. */
  readonly target: string
  /** Below the job's `destRoot`. */
  readonly dest: ByteString
  /** As for copies; identical content under the name is replaced too, since it has come anyway. */
  readonly existing: Existing
  /** Size and mtime of our own earlier copy: a destination that matches is replaced without a version. */
  readonly expect?: { readonly size: number; readonly mtimeNs: bigint }
  /** The size that it must have; another one is `ERR_SUSTEN_CHANGED`, and nothing of it is taken in. */
  readonly size?: number
  /** XXH3-128 that it must have, in lower-case hex; another one is `ERR_SUSTEN_CHANGED`. */
  readonly digest?: string
  /** Default: the answer's `Last-Modified`, and without one the time of writing. */
  readonly mtimeNs?: bigint
}

/**
 * Receives files by HTTP/1.1 GET from one server, from the socket to the file. Emits one `receive` event per file in
 * any order, then one `done`. A file in transfer holds a thread of the engine: give a server an engine of its own.
 */
export interface NativeReceiveJob {
  /** Name or address (IPv6 without brackets), for the `Host` field and messages. Nothing is looked up by it. */
  readonly host: string
  /** 1…65535. */
  readonly port: number
  /** Numeric addresses of `host`, tried in this order. */
  readonly addresses: readonly string[]
  /** Further fields of every request: none that concern the connection, a range or the body's form. Default none. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly destRoot: ByteString
  /** If set, the job fails with `ERR_SUSTEN_STORAGE` before writing unless `destRoot` has this volume identity. */
  readonly destIdentity?: string
  /** So many directories at the beginning of every `dest` belong to whom the process runs as, mode 0755. Default 0. */
  readonly layout?: number
  /** Owner of files, and of directories behind `layout` that are missing. Default: whom the process runs as. */
  readonly uid?: number
  /** The same for the group. */
  readonly gid?: number
  /**
   * Directories of `dest` behind `layout` must belong to this user, to root, to the process, or to whom `destRoot` belongs
   * to. Nothing is written below any other: `EPERM`, whose `syscall` is `owner` and whose `path` is that directory, looked
   * at where it is open. Default: owners aren't looked at.
   */
  readonly directoryOwner?: number
  /** Permission bits of files, 0…0777. */
  readonly mode: number
  /** The same of directories. */
  readonly directoryMode: number
  readonly durability: Durability
  /** Whether content is digested as it goes by. */
  readonly digest: boolean
  /** At most so many files at once, 1…256. Default: as many as the engine has threads. */
  readonly connections?: number
  readonly timeouts: NativeReceiveTimeouts
  /**
   * How often a transfer that broke goes on where it broke, if the server told an entity tag or a time of last change by
   * which it can tell that the file still is the same version. 0: never.
   */
  readonly resumes: number
  readonly files: readonly NativeReceiveFile[]
}

/** Copies a directory tree (or a single file or symbolic link). Semantics: see `copyTree`. */
export interface NativeTreeJob {
  readonly src: ByteString
  readonly dest: ByteString
  readonly options: NativeCopyOptions
  readonly existing: 'replace' | 'refuse' | 'skip'
  /** Follow symbolic links and copy what they point to. */
  readonly dereference: boolean
  /** Copy link texts as they are; else relative ones are made absolute, as `fs.cp` does. */
  readonly verbatimSymlinks: boolean
  /** Stop beginning new files after the first failure. */
  readonly stopOnError: boolean
  /** Emit `filter` events and wait for {@link Native.answerFilter} before anything is made. */
  readonly filter: boolean
  /** Emit a `file` event per copied file (for digests and manifests); else failures only. */
  readonly reportFiles: boolean
}

/** Lists regular files below a root. Emits `entries` events; at most four are outstanding until acknowledged. */
export interface NativeWalkJob {
  readonly root: ByteString
  /** Directory below `root` to start at; empty for the root itself. */
  readonly below: ByteString
}

export interface NativeFileResult {
  readonly type: 'file'
  readonly job: number
  /** Copy jobs: index into `files`. Tree jobs: -1. */
  readonly index: number
  /** Tree jobs: path below `src`; copy jobs: empty. */
  readonly name: ByteString
  readonly outcome: 'created' | 'replaced' | 'unchanged' | 'versioned' | 'skipped' | 'failed'
  readonly bytes: number
  /** XXH3-128 in canonical lower-case hex, when `verify` is not `none`. */
  readonly digest?: string
  /** Of the source as copied. Copy jobs only. */
  readonly fingerprint?: NativeFingerprint
  /** Of the copy as it is now, which the target's file system may have cut. Only with `existing: 'version'`. */
  readonly mtimeNs?: bigint
  /** The strategy that carried the bytes. */
  readonly strategy?: Exclude<Strategy, 'auto'>
  /** `versioned`: the name, beside `dest`, under which the older content is kept. */
  readonly version?: ByteString
  readonly error?: NativeError
}

/**
 * What became of a file of a release, or of a directory:
 * - `released`: gone, or replaced by the link; a directory was empty and is gone;
 * - `changed`: not the known version (any more); nothing was done, or all of it undone. Copy it again;
 * - `busy`: somebody has it open for writing, or waits to. Nothing was done, or all of it undone. Try later;
 * - `absent`: there is nothing under the name;
 * - `already`: the link is there;
 * - `missing`: the copy isn't there, or isn't what it should be. Copy it again;
 * - `kept`: a directory that isn't empty, is a mount point, or is something else by now;
 * - `failed`: see `error`. The original is under its name, or `error.dest` says where it is.
 */
export interface NativeReleaseResult {
  readonly type: 'release'
  readonly job: number
  /** Into `files`; from `files.length` on, into `directories`. */
  readonly index: number
  readonly outcome: 'released' | 'changed' | 'busy' | 'absent' | 'already' | 'missing' | 'kept' | 'failed'
  /** Bytes that the file system got back; 0 for a file with more names, until the last one is gone. */
  readonly bytes: number
  /** With `failed`, and with `missing` if the copy has another digest. */
  readonly error?: NativeError
}

/**
 * What became of a file to be received:
 * - `created`, `replaced`, `versioned`, `skipped`: as for copies;
 * - `status`: the server answered with an error, 4xx or 5xx: see `status`;
 * - `unsupported`: it answered with something else that isn't a plain body of known length (a redirection, a chunked or
 *   compressed body): see `status` and `headers`, and ask another way;
 * - `failed`: see `error`.
 *
 * `status` and `unsupported` made no directories either.
 */
export interface NativeReceiveResult {
  readonly type: 'receive'
  readonly job: number
  /** Into `files`. */
  readonly index: number
  readonly outcome: 'created' | 'replaced' | 'versioned' | 'skipped' | 'status' | 'unsupported' | 'failed'
  /** Of the answer that the file began with; 0 if there was none. */
  readonly status: number
  /** Of the same answer: names, in lower case, and values in turn. Bytes, as the server sent them. */
  readonly headers: readonly ByteString[]
  readonly bytes: number
  /** How often the transfer broke and went on. */
  readonly resumed: number
  /** XXH3-128 of the whole file in canonical lower-case hex, if asked for. */
  readonly digest?: string
  /** Of the file as its file system keeps it. */
  readonly mtimeNs?: bigint
  /** `versioned`: the name, beside `dest`, under which the older content is kept. */
  readonly version?: ByteString
  /** On the server's side `path` is the URL and `dest` the file; else `path` is the file. */
  readonly error?: NativeError
}

export interface NativeProgress {
  readonly type: 'progress'
  readonly job: number
  readonly files: number
  readonly bytes: number
  readonly failed: number
  readonly directories: number
  readonly symlinks: number
  readonly skipped: number
}

export interface NativeFilterQuestion {
  readonly type: 'filter'
  readonly job: number
  readonly question: number
  /** Absolute source and destination paths, same length. */
  readonly src: readonly ByteString[]
  readonly dest: readonly ByteString[]
}

export interface NativeEntries {
  readonly type: 'entries'
  readonly job: number
  /** Paths below the walk's root, with the fingerprint of each. Regular files only. */
  readonly names: readonly ByteString[]
  readonly fingerprints: readonly NativeFingerprint[]
  /** Directories and files that could not be read; the walk goes on behind them. */
  readonly unreadable: readonly NativeError[]
}

export interface NativeDone {
  readonly type: 'done'
  readonly job: number
  /** Final counters; absent for jobs that have none. */
  readonly progress?: NativeProgress
  /** The job as a whole could not be done (root missing, cancelled with `ABORT_ERR`, …). */
  readonly error?: NativeError
  /** The `volume` job's answer. */
  readonly volume?: NativeVolume
}

export type NativeEvent =
  | NativeFileResult
  | NativeReleaseResult
  | NativeReceiveResult
  | NativeProgress
  | NativeFilterQuestion
  | NativeEntries
  | NativeDone

/** A file system as statvfs and the mount table describe it. Sizes in bytes. */
export interface NativeVolume {
  readonly total: number
  /** Available to an unprivileged writer (`f_bavail`). */
  readonly available: number
  /** Free including the reserve for root (`f_bfree`). */
  readonly free: number
  /** Used fraction as an unprivileged writer sees it: used / (used + available), 0…1, as df(1) counts. */
  readonly fill: number
  readonly inodes: number
  readonly inodesAvailable: number
  readonly inodeFill: number
  readonly readOnly: boolean
  /** `tmpfs`, `ext4`, `nfs4`, … */
  readonly fsType: string
  readonly mountPoint: ByteString
  /** The mounted device or export, from the mount table. */
  readonly mountSource: ByteString
  readonly mountId: number
  readonly dev: bigint
  /** Stable text that tells this file system, at this place, from another: type, UUID or fsid, source, root. */
  readonly identity: string
}

/** Injects a fault into an engine's table of system calls, to test how failures are handled. */
export interface NativeFault {
  /** Name of the entry in `native/sys/sys.h`, e.g. `renameat2`. */
  readonly call: string
  /**
   * Fail with this errno name, or transfer fewer bytes than asked (`short`), or none (`zero`), or wait until
   * {@link Native.releaseCalls} or the engine's end (`hold`).
   */
  readonly effect: string
  /** Begin at this matching call, counted from 1. Default 1. */
  readonly at?: number
  /** For how many calls. Default 1; -1 for ever. */
  readonly times?: number
  /** Delay in milliseconds before the call (effect `delay` only delays). */
  readonly delay?: number
}

export interface NativeEngineOptions {
  /** Worker threads, 1…256. */
  readonly threads: number
  /** Added to the workers' nice value, 0…19. */
  readonly nice: number
  /** Files that may wait in the queue; a job that would exceed it is refused (throws `ERR_SUSTEN_QUEUE_FULL`). */
  readonly queueLimit: number
  readonly faults?: readonly NativeFault[]
  /**
   * Letters and digits that no other running process uses. Hidden names are `.susten-<tag>-<process>-<id>.tmp` then, and what a
   * dead process with this tag left in a target directory is removed before the engine makes its own first one there,
   * but for originals of an unfinished release: see {@link NativeReleaseJob.restore}.
   */
  readonly tempTag?: string
  /** Called on the owning thread with at most 256 events a time. */
  readonly onEvents: (events: NativeEvent[]) => void
}

/**
 * What a watcher saw. `closed`: closed after writing; `moved`: renamed into place; `found`: was there when its
 * directory came under watch (it may still be being written); `overflow`: events were lost, scan; `limit`: a
 * directory could not be watched (see `error`), scan at intervals; `marked`: the answer to one
 * {@link Native.markWatcher}; `gone`: the root itself is gone, nothing follows but `marked`.
 */
export interface NativeWatchEvent {
  readonly kind: 'closed' | 'moved' | 'found' | 'overflow' | 'limit' | 'marked' | 'gone'
  /** Below the watched root; empty for `overflow`, `marked` and `gone`. */
  readonly name: ByteString
  readonly error?: NativeError
}

export interface Native {
  openEngine(options: NativeEngineOptions): NativeEngine
  /** Ends the threads: `drain` finishes what is queued, `cancel` aborts it. Every job gets its `done` first. */
  closeEngine(engine: NativeEngine, mode: 'drain' | 'cancel'): Promise<void>
  /** Keeps (default) or stops keeping the process alive on the engine's account. */
  refEngine(engine: NativeEngine, ref: boolean): void
  /** Threads alive, for tests: 0 after closing. */
  engineThreads(engine: NativeEngine): number
  /** How often each system call was made, for tests; empty for an engine that was opened without faults. */
  callCounts(engine: NativeEngine): Record<string, number>
  /** Lets calls go on that a fault `hold` holds, now and in future. */
  releaseCalls(engine: NativeEngine): void

  copyFiles(engine: NativeEngine, job: NativeCopyJob): number
  releaseFiles(engine: NativeEngine, job: NativeReleaseJob): number
  /** Throws a TypeError for what no request can have. */
  receiveFiles(engine: NativeEngine, job: NativeReceiveJob): number
  copyTree(engine: NativeEngine, job: NativeTreeJob): number
  walk(engine: NativeEngine, job: NativeWalkJob): number
  /** Reads a volume's fill state on the pool; answer in `done`. */
  volume(engine: NativeEngine, path: ByteString): number
  /** Acknowledges one `entries` event, so that the walk may send another. */
  acknowledge(engine: NativeEngine, job: number): void
  /** Answers a `filter` event: one byte per question, non-zero to copy. */
  answerFilter(engine: NativeEngine, job: number, question: number, accept: Uint8Array): void
  /** Aborts a job; it ends soon after with `done` and an error whose code is `ABORT_ERR`. */
  cancel(engine: NativeEngine, job: number): void

  /** Watches `root` recursively for files that are complete. The first scan reports existing files as `found`. */
  openWatcher(root: ByteString, onEvents: (events: NativeWatchEvent[]) => void): NativeWatcher
  /** Asks for one `marked` event, sent once all that happened before this call has been reported. */
  markWatcher(watcher: NativeWatcher): void
  closeWatcher(watcher: NativeWatcher): Promise<void>

  /** Creates and locks a file exclusively (flock), or throws `{ code: 'EWOULDBLOCK' }` if another process has it. */
  lockFile(path: ByteString): NativeLock
  unlockFile(lock: NativeLock): void

  /** Makes a FIFO, less the umask's bits of `mode`; throws `EEXIST` for whatever has the name, links included. */
  makeFifo(path: ByteString, mode: number): void
  /** Bytes in a pipe that nobody has read yet. `fd` is either of its ends. */
  unreadBytes(fd: number): number
  /** A pipe without a name, as two descriptors that never wait. */
  makePipe(): { readonly reader: number; readonly writer: number }
  /**
   * Copies what is at the head of a pipe into an empty one, and takes nothing away. Never waits.
   * @param most Bytes.
   * @returns how many bytes; 0: there are none
   */
  teePipe(from: number, to: number, most: number): number
  /**
   * Takes bytes off a pipe and throws them away. Never waits.
   * @param to /dev/null, open for writing.
   * @returns how many bytes; fewer than `most`: there are no more
   */
  dropBytes(from: number, to: number, most: number): number
  pipeState(fd: number): NativePipeState
  /**
   * Tells that bytes have come to a pipe's reading end, or that its last writer has gone; what was told before and is
   * still there isn't told again. `fd` must stay open until the watch has ended.
   */
  watchPipe(fd: number, onChange: () => void): NativePipeWatch
  unwatchPipe(watch: NativePipeWatch): void
  /**
   * Who connected, as the kernel saw it then. For the connecting end: who listens, as it was when it began to.
   * @param fd A connected Unix socket.
   */
  peerOf(fd: number): NativePeer
  /**
   * Sends one datagram to a Unix socket; never waits: throws `EAGAIN` where it would have to.
   * @param address An absolute path, or `@name` for an abstract one.
   * @param fd A descriptor of which who listens is given a copy.
   */
  notify(address: ByteString, message: ByteString, fd?: number): void
}

/** The addon of this process. Loading it starts no thread and opens no file. */
export const native: Native = unpacked(loadAddon() as Addon)
