/** How Furka and Grimsel talk: files are handed over, users' changes told, and it is asked what became of files. */
import type { ByteString } from '../../bytes.js'
import type { FoundFile } from '../../mirror/index.js'
import type { FurkaUser } from '../user.js'

/** A path that Grimsel doesn't take, and why. */
export interface RefusedPath {
  /** Into the paths that were announced. */
  readonly index: number
  readonly error: unknown
}

/** A way to a Grimsel. Whatever rejects may be tried again: nothing is taken for done, though it may have been. */
export interface Link {
  readonly by: 'process' | 'control' | 'pipe'
  /** Of its socket or pipe. */
  readonly path?: string
  /** Hands files over, in order. Resolves once Grimsel has them all, but for those that it refuses. */
  announce(paths: readonly ByteString[]): Promise<readonly RefusedPath[]>
  /** Files that are announced from now on are this user's. */
  changeUser(user: FurkaUser): Promise<void>
  /** What is known of files, in the order of the paths. Absent: it can't be asked. */
  find?(paths: readonly ByteString[]): Promise<readonly (Found | undefined)[]>
  /** Ends what is under way, which rejects. */
  close(): Promise<void>
}

/** What of Grimsel's answer counts here. */
export type Found = Pick<FoundFile, 'storages'>
