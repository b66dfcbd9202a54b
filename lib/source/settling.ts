/** Files that were seen and may still be being written: looked at until they are quiet. */
import type { ByteString } from '../bytes.js'
import { type Fingerprint, sameVersion } from '../core/index.js'

/** A file as a look found it. */
export interface SeenFile {
  readonly path: ByteString
  readonly fingerprint: Fingerprint
}

/** `known`: nothing is to be done about it; `quiet`: nobody touched it for long; `young`: it may still be written. */
export type Verdict = 'known' | 'quiet' | 'young'

export interface SettlingOptions {
  /** Milliseconds between the two looks at which a file must be the same. */
  readonly settle: number
  /** The most files that are kept in mind. */
  readonly limit: number
  readonly look: (path: ByteString) => Promise<Fingerprint | undefined>
  /** What the first look at a file tells. */
  readonly judge: (path: ByteString, fingerprint: Fingerprint) => Verdict
  /** Told of files that are quiet, many at a time; resolves when more may come. */
  readonly onQuiet: (files: readonly SeenFile[]) => Promise<void>
  /** Told when the last file has settled. */
  readonly onEmpty: () => void
}

export interface Settling {
  /**
   * Keeps an eye on a file.
   * @param fingerprint As just seen, if it was.
   * @returns false if too many are kept in mind already
   */
  add(path: ByteString, fingerprint: Fingerprint | undefined): boolean
  /** Forgets a file: it was announced otherwise. */
  delete(path: ByteString): void
  readonly size: number
  close(): void
}

interface Watched {
  fingerprint: Fingerprint | undefined
  /** Milliseconds of `performance.now()` when it was seen so. */
  since: number
}

/** Files that are told of at once. */
const most = 256

/**
 * Looks at one file after the other, never two at once: the process's few file-system threads belong to others too,
 * and a source that hangs must not take them all.
 */
export function createSettling(options: SettlingOptions): Settling {
  const { settle, limit, look, judge, onQuiet, onEmpty } = options
  const files = new Map<ByteString, Watched>()
  let timer: NodeJS.Timeout | undefined
  let running = false
  let closed = false

  function schedule(milliseconds: number): void {
    if (closed || running || timer !== undefined || files.size === 0) return
    timer = setTimeout(() => {
      timer = undefined
      void round()
    }, milliseconds)
  }

  async function round(): Promise<void> {
    running = true
    let quiet: [ByteString, Watched][] = []
    for (const [path, watched] of files) {
      if (closed) return
      if (watched.fingerprint !== undefined && performance.now() - watched.since < settle) continue
      if (await isQuiet(path, watched)) quiet.push([path, watched])
      if (quiet.length >= most) {
        await tell(quiet)
        quiet = []
      }
    }
    await tell(quiet)
    running = false
    if (closed) return
    if (files.size === 0) onEmpty()
    else schedule(Math.max(10, settle / 4))
  }

  /** Files leave only once they were told, so that nobody takes them for settled in between. */
  async function tell(quiet: readonly [ByteString, Watched][]): Promise<void> {
    if (quiet.length === 0 || closed) return
    await onQuiet(quiet.flatMap(([path, { fingerprint }]) => (fingerprint === undefined ? [] : { path, fingerprint })))
    for (const [path, watched] of quiet) if (files.get(path) === watched) files.delete(path)
  }

  /** Looks at a file again. One that is gone, or that nothing is to be done about, leaves at once. */
  async function isQuiet(path: ByteString, watched: Watched): Promise<boolean> {
    const before = watched.fingerprint
    const now = await look(path)
    if (closed || files.get(path) !== watched) return false
    if (now === undefined) {
      files.delete(path)
      return false
    }
    if (before !== undefined && sameVersion(before, now)) return true
    watched.fingerprint = now
    watched.since = performance.now()
    const verdict = before === undefined ? judge(path, now) : 'young'
    if (verdict === 'known') files.delete(path)
    return verdict === 'quiet'
  }

  return {
    add(path, fingerprint) {
      if (closed) return true
      const known = files.get(path)
      if (known !== undefined) return true
      if (files.size >= limit) return false
      files.set(path, { fingerprint, since: performance.now() })
      schedule(fingerprint === undefined ? 0 : settle)
      return true
    },
    delete(path) {
      if (files.delete(path) && files.size === 0) onEmpty()
    },
    get size() {
      return files.size
    },
    close() {
      closed = true
      clearTimeout(timer)
      files.clear()
    },
  }
}
