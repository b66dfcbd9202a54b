/** Small files beside a daemon's control socket. Locks are what keeps two daemons apart. */
import { closeSync, constants, fstatSync, openSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { bytesOfText } from '../bytes.js'
import { fromSystem } from '../errors.js'

/** The process's number, as init scripts want it. */
export const pidFileOf = (controlSocket: string): string => `${controlSocket}.pid`

/** What it was started with besides the configuration, for a restart. */
export const wordsFileOf = (controlSocket: string): string => `${controlSocket}.options`

/**
 * Writes this process's number.
 * @returns removes it
 * @throws SustenError what the system says
 */
export function writePidFile(path: string): () => void {
  write(path, `${process.pid}\n`)
  return () => {
    if (readPidFile(path) === process.pid) remove(path)
  }
}

/** Undefined: there is none, or none that can be read. */
export function readPidFile(path: string): number | undefined {
  const [, digits] = /^(\d{1,10})\n$/.exec(read(path) ?? '') ?? []
  return digits === undefined ? undefined : Number(digits)
}

/**
 * Writes words; without any there is no file.
 * @returns removes it
 * @throws SustenError what the system says
 */
export function writeWords(path: string, words: readonly string[]): () => void {
  if (words.length > 0) write(path, `${JSON.stringify(words)}\n`)
  else remove(path)
  return () => remove(path)
}

/** Empty: there are none, or none that can be read. */
export function readWords(path: string): readonly string[] {
  try {
    const words: unknown = JSON.parse(read(path) ?? '[]')
    return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : []
  } catch {
    return []
  }
}

/** It is there whole or not at all. The caller has the control socket, whose place is safe. */
function write(path: string, text: string): void {
  const unfinished = `${path}.new`
  try {
    remove(unfinished)
    writeFileSync(unfinished, text, { flag: 'wx', mode: 0o644 })
    renameSync(unfinished, path)
  } catch (error) {
    throw fromSystem(error, bytesOfText(path))
  }
}

/** Undefined: not there, or somebody else's. In `/tmp` anybody could make one. */
function read(path: string): string | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const { uid } = fstatSync(fd)
      return uid === 0 || uid === process.geteuid?.() ? readFileSync(fd, 'utf8') : undefined
    } finally {
      closeSync(fd)
    }
  } catch {
    return undefined
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}
