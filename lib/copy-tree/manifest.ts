/** A list of digests that `xxhsum -c` takes: written as the copy goes on, under its name only when it is whole. */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, rename, unlink } from 'node:fs/promises'
import { posix } from 'node:path'
import { type ByteString, bufferOfBytes } from '../bytes.js'
import { fromSystem, SustenError, withMessage } from '../errors.js'
import { makeParents, syncDirectory } from './roots.js'

/** A manifest that is being written. */
export interface Manifest {
  /** Adds a file. Never waits. */
  add(name: ByteString, digest: string): void
  /** Writes what is left, and gives the file its name. Rejects with what went wrong since the beginning, if it did. */
  finish(): Promise<void>
  /** Throws away what was written. */
  discard(): Promise<void>
}

/** Characters of lines that are gathered for one write. */
const chunk = 64 * 1024

/**
 * A manifest. Nothing is made before the first file is added, so that it may lie inside the destination.
 * @param path Where it is to lie, absolute.
 * @param durable Put it on stable storage.
 */
export function createManifest(path: ByteString, durable: boolean): Manifest {
  const directory = posix.dirname(path) as ByteString
  const temp = posix.join(directory, `.susten-${randomBytes(8).toString('hex')}.tmp`) as ByteString
  let lines: string[] = []
  let gathered = 0
  let handle: FileHandle | undefined
  // One write after the other; after a failure none. The failure is told by finish().
  let writing: Promise<void> = Promise.resolve()

  async function write(text: Buffer): Promise<void> {
    if (handle === undefined) {
      const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
      await makeParents(path, durable)
      handle = await open(bufferOfBytes(temp), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666)
    }
    await handle.appendFile(text)
  }

  function flush(): void {
    const text = Buffer.from(lines.join(''), 'latin1')
    lines = []
    gathered = 0
    writing = writing.then(() => write(text))
    writing.catch(() => {})
  }

  async function discard(): Promise<void> {
    await writing.catch(() => {})
    await handle?.close().catch(() => {})
    handle = undefined
    await unlink(bufferOfBytes(temp)).catch(() => {})
  }

  return {
    add(name, digest) {
      const line = manifestLine(name, digest)
      lines.push(line)
      gathered += line.length
      if (gathered >= chunk) flush()
    },
    async finish() {
      flush()
      try {
        await writing
        if (durable) await handle?.sync()
        await handle?.close()
        handle = undefined
        await rename(bufferOfBytes(temp), bufferOfBytes(path))
        if (durable) await syncDirectory(directory)
      } catch (error) {
        await discard()
        throw unwritten(fromSystem(error, path))
      }
    },
    discard,
  }
}

/** The error's text alone would not say that all files are copied. */
function unwritten(error: unknown): unknown {
  return error instanceof SustenError ? withMessage(error, `The manifest can't be written: ${error.message}`) : error
}

/**
 * One line of a manifest: the digest, two spaces, the name. A name with a newline is escaped, and the line marked by
 * a backslash, as xxhsum does since 0.8.2; older ones can't take such a name in any form. Other names are written as
 * they are, which all of them read. The name `stdin` would make xxhsum read its input.
 */
function manifestLine(name: ByteString, digest: string): string {
  if (name.includes('\n')) {
    const escaped = name.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r')
    return `\\${digest}  ${escaped}\n`
  }
  return `${digest}  ${name === 'stdin' ? './stdin' : name}\n`
}
