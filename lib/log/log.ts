/** The log of a daemon: lines of JSON in a file that is rotated. */

import { pino, stdTimeFunctions } from 'pino'
import { bytesOfText } from '../bytes.js'
import { counted } from '../counted.js'
import { safeJson } from '../json-lines.js'
import { textOfThrown } from '../thrown.js'
import { openRotatingFile } from './rotating-file.js'

export interface LogOptions {
  readonly path: string
  /** Bytes at which a new file is begun. */
  readonly maxSize: number
  /** Older files that are kept. */
  readonly maxNumber: number
}

/** Fields of a line. `err` is an error. */
export type Fields = Readonly<Record<string, unknown>>

/** Writing never waits and never fails: a full disk costs log lines, which are counted. */
export interface Log {
  /** Lines that were left out so far, since the disk was full or slow. */
  readonly lost: number
  info(fields: Fields, text: string): void
  warn(fields: Fields, text: string): void
  error(fields: Fields, text: string): void
  /** The last line before the process ends, written at once. */
  fatal(fields: Fields, text: string): void
  /** Opens the file by its name again. */
  reopen(): void
  close(): Promise<void>
}

/** The level of a message's severity. */
export const levelOf = { info: 'info', warning: 'warn', error: 'error' } as const satisfies Record<string, keyof Log>

/** @throws SustenError why there can't be a log file */
export async function openLog(options: LogOptions): Promise<Log> {
  const { path, maxSize, maxNumber } = options
  const file = await openRotatingFile({ path: bytesOfText(path), maxSize, maxNumber, lostLine })
  const logger = pino(
    {
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      serializers: { err: errorFields },
    },
    { write: (line: string) => file.write(safeJson(line)) },
  )

  return {
    get lost() {
      return file.lost
    },
    info: (fields, text) => logger.info(fields, text),
    warn: (fields, text) => logger.warn(fields, text),
    error: (fields, text) => logger.error(fields, text),
    fatal(fields, text) {
      logger.fatal(fields, text)
      file.lastWords()
    },
    reopen: () => file.reopen(),
    close: () => file.close(),
  }
}

function lostLine(count: number): string {
  const time = new Date().toISOString()
  const msg = `${counted(count, 'line is', 'lines are')} missing here: the log's disk was full or too slow`
  return `${JSON.stringify({ level: 'warn', time, pid: process.pid, event: 'lost', count, msg })}\n`
}

/** What is known of anything thrown. */
function errorFields(thrown: unknown): object {
  if (!(thrown instanceof Error)) return { message: textOfThrown(thrown) }
  const { code, errno, syscall, path, dest } = thrown as NodeJS.ErrnoException & { dest?: string }
  const fields = {
    code,
    errno: errno === 0 ? undefined : errno,
    syscall: syscall === '' ? undefined : syscall,
    path,
    dest,
  }
  // Of what no system call reported, where it came from is all that helps.
  const stack = code === undefined ? thrown.stack : undefined
  return { message: thrown.message, ...fields, stack }
}
