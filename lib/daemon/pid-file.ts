/** The process's number in a file, as init scripts want it. Locks are what keeps two daemons apart. */
import { readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { bytesOfText } from '../bytes.js'
import { fromSystem } from '../errors.js'

/** Beside the control socket. */
export const pidFileOf = (controlSocket: string): string => `${controlSocket}.pid`

/**
 * Writes the file; it is there whole or not at all. The caller has the control socket, whose place is safe.
 * @returns removes it
 * @throws SustenError what the system says
 */
export function writePidFile(path: string): () => void {
  const unfinished = `${path}.new`
  try {
    remove(unfinished)
    writeFileSync(unfinished, `${process.pid}\n`, { flag: 'wx', mode: 0o644 })
    renameSync(unfinished, path)
  } catch (error) {
    throw fromSystem(error, bytesOfText(path))
  }
  return () => {
    if (readPidFile(path) === process.pid) remove(path)
  }
}

/** Undefined: there is none, or none that can be read. */
export function readPidFile(path: string): number | undefined {
  try {
    const [, digits] = /^(\d{1,10})\n$/.exec(readFileSync(path, 'latin1')) ?? []
    return digits === undefined ? undefined : Number(digits)
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
