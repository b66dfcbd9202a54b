/** What is said of a file that a command is given and can't read. */
import { quoted } from '../config/index.js'

/** @param what Kind of file: `script`. */
export function unreadable(what: string, file: string, error: unknown): string {
  const { code, message } =
    error instanceof Error ? (error as NodeJS.ErrnoException) : { code: '', message: String(error) }
  if (code === 'ENOENT') return `there is no ${what} file ${quoted(file)}; write it, or correct the name`
  return `the ${what} file ${quoted(file)} can't be read: ${message}`
}
