/** Gets a configuration file's text, or says why it is none. */
import { isUtf8 } from 'node:buffer'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { bufferOfBytes, type PathInput, textOfBytes } from '../bytes.js'
import { fromSystem } from '../errors.js'
import { bytesOfPath } from '../paths.js'
import type { Problems } from './problems.js'

/** Largest configuration file in bytes: thousands of storages. */
const LARGEST = 2 ** 20

/**
 * A configuration file's bytes.
 * @throws SustenError the system's error, or `ERR_SUSTEN_CONFIG`: no regular file, or one that anyone may write to
 */
export async function readConfigFile(path: PathInput, problems: Problems): Promise<Buffer> {
  const bytes = bytesOfPath(path, 'file')
  try {
    // Not blocking: a FIFO would wait for its writer.
    await using handle = await open(bufferOfBytes(bytes), constants.O_RDONLY | constants.O_NONBLOCK)
    checkFile(await handle.stat(), problems)
    return await readBounded(handle)
  } catch (error) {
    throw fromSystem(error, bytes)
  }
}

/** A file's name as messages have it. */
export const nameOfFile = (path: PathInput): string => textOfBytes(bytesOfPath(path, 'file'))

function checkFile(stats: Stats, problems: Problems): void {
  if (!stats.isFile()) problems.fail(undefined, 'is no regular file')
  // The program that reads it runs as root: who writes it decides what is copied where.
  if ((stats.mode & 0o002) !== 0) problems.add(undefined, "may be written to by anyone; run 'chmod o-w' on it")
  if (stats.uid !== 0 && process.geteuid?.() === 0) {
    problems.note(undefined, `belongs to user ${stats.uid}, who decides by it what root copies where`)
  }
}

/** One byte more than allowed tells that it is too large, whatever its size is said to be. */
async function readBounded(handle: FileHandle): Promise<Buffer> {
  const buffer = Buffer.alloc(LARGEST + 1)
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return buffer.subarray(0, length)
}

/** The text of a file, without a byte order mark. Fails at what no configuration has. */
export function decodeConfig(bytes: Uint8Array, problems: Problems): string {
  if (bytes.length > LARGEST) return problems.fail(undefined, `is larger than ${LARGEST / 2 ** 20} MiB`)
  const nul = bytes.indexOf(0)
  if (nul >= 0) return problems.fail({ line: lineAt(bytes, nul) }, 'a NUL byte; save the file as UTF-8 text')
  if (!isUtf8(bytes)) return problems.fail({ line: firstBadLine(bytes) }, 'is not UTF-8; save the file as UTF-8 text')
  return new TextDecoder().decode(bytes)
}

function lineAt(bytes: Uint8Array, offset: number): number {
  return bytes.subarray(0, offset).reduce((line, byte) => (byte === 0x0a ? line + 1 : line), 1)
}

/** A line end is never part of another character, so that some line isn't UTF-8 by itself. */
function firstBadLine(bytes: Uint8Array): number {
  let start = 0
  for (let line = 1; ; line++) {
    const newline = bytes.indexOf(0x0a, start)
    const end = newline < 0 ? bytes.length : newline
    if (newline < 0 || !isUtf8(bytes.subarray(start, end))) return line
    start = end + 1
  }
}
