/** Older log files: `log.1` is the newest of them. */
import { readdir, rename, unlink } from 'node:fs/promises'
import { posix } from 'node:path'
import { type ByteString, bufferOfBytes, bytesOfBuffer } from '../bytes.js'

/**
 * Gives the log file the name `<path>.1`, and each older one the next number; what has a number beyond the last that is
 * kept is removed.
 * @param keep Older files that are kept; 0 removes the log file.
 */
export async function rotate(path: ByteString, keep: number): Promise<void> {
  const numbers = await numbersOf(path)
  for (const number of numbers) {
    const file = `${path}.${number}`
    if (number >= keep) await unless('ENOENT', unlink(raw(file)))
    else await unless('ENOENT', rename(raw(file), raw(`${path}.${number + 1}`)))
  }
  if (keep === 0) await unless('ENOENT', unlink(raw(path)))
  else await unless('ENOENT', rename(raw(path), raw(`${path}.1`)))
}

/** The highest first: each takes a name that is free by then. */
async function numbersOf(path: ByteString): Promise<number[]> {
  const prefix = `${posix.basename(path)}.`
  const numbers: number[] = []
  for (const entry of await readdir(raw(posix.dirname(path)), { encoding: 'buffer' })) {
    const name = bytesOfBuffer(entry)
    if (!name.startsWith(prefix)) continue
    const rest = name.slice(prefix.length)
    if (/^[1-9]\d{0,6}$/.test(rest)) numbers.push(Number(rest))
  }
  return numbers.sort((a, b) => b - a)
}

const raw = (path: string): Buffer => bufferOfBytes(path as ByteString)

async function unless(code: string, work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === code)) throw error
  }
}
