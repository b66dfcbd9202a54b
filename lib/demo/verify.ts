/** Verifies tiers: every file of the buffer or a storage is read again and held against what the servers had. */
import { Worker } from 'node:worker_threads'

/** What a file must be. Plain data. */
export interface ExpectedFile {
  /** Path below the tier's directory. */
  readonly path: string
  readonly size: number
  readonly digest: string
  readonly uid: number
  readonly gid: number
  readonly mode: number
  readonly mtimeNs: bigint
  readonly content: ExpectedContent
}

/** What is in a file, beyond its bytes. */
export type ExpectedContent =
  | { readonly kind: 'cbf'; readonly width: number; readonly height: number }
  | ({ readonly kind: 'data' } & ExpectedImages)
  | {
      readonly kind: 'master'
      /** Every link of `/entry/data`, in order. */
      readonly links: readonly ({ readonly name: string; readonly file: string } & ExpectedImages)[]
    }

/** The images of a data file. */
export interface ExpectedImages {
  readonly firstImage: number
  readonly lastImage: number
  readonly width: number
  readonly height: number
  readonly bitDepth: number
}

/** Something that isn't as it must be. */
export interface Problem {
  /** Absolute. */
  readonly path: string
  readonly problem: string
}

/** What was verified, and found. */
export interface Verification {
  /** Files that were read again and whose digest is the server's. */
  readonly files: number
  readonly bytes: number
  /** Files whose space was given back: links to the same file on a later tier. */
  readonly released: number
  /** Files whose owner, mode and modification time are right. */
  readonly metadata: number
  /** Master files opened, links followed to a data set of the right shape and range, CBF images decoded. */
  readonly masters: number
  readonly links: number
  readonly images: number
  readonly problems: readonly Problem[]
}

/** What the thread is given, and what it reports. */
export interface VerifyJob {
  readonly root: string
  /** Directories of the tiers after it: links in place of files may lead there. Default: there must be none. */
  readonly later?: readonly string[]
  readonly expected: readonly ExpectedFile[]
}
export type VerifyMessage =
  | { readonly type: 'progress'; readonly files: number; readonly bytes: number }
  | { readonly type: 'done'; readonly verification: Verification }

/**
 * Verifies a tier on a thread of its own. Nothing may be missing, nothing may be there besides, and of each file every
 * byte, the owner, the mode, the modification time and the content must be right.
 * @param onProgress Called a few times a second with the files and bytes read so far.
 * @throws The signal's reason if it is aborted; an Error if the thread ends early.
 */
export async function verifyTier(
  job: VerifyJob,
  onProgress: (files: number, bytes: number) => void,
  signal?: AbortSignal,
): Promise<Verification> {
  signal?.throwIfAborted()
  const thread = new Worker(new URL('./verify-thread.js', import.meta.url), { workerData: job })
  const abort = (): void => void thread.terminate()
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await new Promise<Verification>((resolve, reject) => {
      thread.on('message', (message: VerifyMessage) => {
        if (message.type === 'progress') onProgress(message.files, message.bytes)
        else resolve(message.verification)
      })
      thread.once('error', reject)
      thread.once('exit', () => {
        reject(signal?.aborted ? signal.reason : new Error(`verification of ${job.root} ended early`))
      })
    })
  } finally {
    signal?.removeEventListener('abort', abort)
    await thread.terminate()
  }
}
