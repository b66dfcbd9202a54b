/**
 * Runs rsync as a process of its own, never through a shell: a clean environment, output that is read line by line and
 * bounded, and bounds on what a hostile server could make it write or keep in memory.
 */
import { Buffer } from 'node:buffer'
import { spawn } from 'node:child_process'
import type { ByteString } from '../../bytes.js'
import { SustenError } from '../../errors.js'
import { shownName } from '../names.js'

export interface RunOptions {
  readonly args: readonly string[]
  /** Goes to its standard input. */
  readonly input?: Buffer | undefined
  /** Told of each line of its standard output, without its end. What it throws ends the process. */
  readonly onLine?: ((line: ByteString) => void) | undefined
  readonly signal?: AbortSignal | undefined
  /** Milliseconds for which it may say nothing; undefined: for ever. */
  readonly silence?: number | undefined
  /** The most bytes that it may write to a file. Default 0. */
  readonly largest?: number | undefined
}

/** How it ended. */
export interface Ended {
  /** As rsync(1) has them; 20 if it was killed. */
  readonly code: number
  /** What it complained of, made safe to show. */
  readonly text: string
}

/** A name of 4095 bytes, each in four characters, and what stands in front of it. */
const LONGEST_LINE = 4 * 4095 + 200
/** Lists of millions of files take some hundred bytes for each. */
const MEMORY = 4 * 2 ** 30
/** Bytes of complaints that are kept. */
const COMPLAINTS = 4096
/** Milliseconds from the request to end to the order. */
const GRACE = 2000
/** What prlimit(1) and shells answer when a program isn't there or can't be run. */
const CANNOT_RUN = [126, 127]

/** @throws SustenError `ABORT_ERR`, `ETIMEDOUT`, `ERR_SUSTEN_SERVER` (a line without end), or why it can't be run */
export function runRsync({ args, input, onLine, signal, silence, largest = 0 }: RunOptions): Promise<Ended> {
  if (signal?.aborted) return Promise.reject(abortedError(signal))
  return new Promise((resolve, reject) => {
    const limits = [`--fsize=${largest}`, `--as=${MEMORY}`, '--core=0']
    // Nothing of this environment: no proxy, no password, no other character set, nobody's aliases.
    const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC0' }
    const child = spawn('prlimit', [...limits, 'rsync', ...args], { env, cwd: '/', stdio: ['pipe', 'pipe', 'pipe'] })
    let failure: SustenError | undefined
    let rest = ''
    let complaints = Buffer.alloc(0)
    let killing: NodeJS.Timeout | undefined
    let silent: NodeJS.Timeout | undefined

    function end(why: SustenError): void {
      if (failure !== undefined) return
      failure = why
      child.kill('SIGTERM')
      killing = setTimeout(() => child.kill('SIGKILL'), GRACE)
    }

    function heard(): void {
      clearTimeout(silent)
      if (silence === undefined) return
      const text = `ETIMEDOUT: rsync said nothing for ${silence} ms`
      silent = setTimeout(
        () => end(new SustenError(text, { code: 'ETIMEDOUT', errno: -110, syscall: 'rsync' })),
        silence,
      )
    }

    const aborted = (): void => end(abortedError(signal))
    signal?.addEventListener('abort', aborted, { once: true })
    heard()
    child.stdout.on('data', (some: Buffer) => {
      heard()
      if (failure !== undefined) return
      const lines = (rest + some.toString('latin1')).split('\n')
      rest = lines.pop() ?? ''
      try {
        for (const line of lines) onLine?.(line as ByteString)
        if (rest.length > LONGEST_LINE) throw serverError('a line that is too long came from rsync')
      } catch (error) {
        end(error instanceof SustenError ? error : serverError(String(error)))
      }
    })
    child.stderr.on('data', (some: Buffer) => {
      complaints = Buffer.concat([complaints, some]).subarray(-COMPLAINTS)
    })
    // It may end before it has read all.
    child.stdin.on('error', () => {})
    child.stdin.end(input ?? '')
    child.on('error', (cause: NodeJS.ErrnoException) => {
      failure ??= missingError(cause.code ?? 'ENOENT', cause.message, cause)
    })
    child.on('close', (code, killed) => {
      clearTimeout(killing)
      clearTimeout(silent)
      signal?.removeEventListener('abort', aborted)
      const text = shown(complaints)
      if (failure !== undefined) reject(failure)
      else if (code !== null && CANNOT_RUN.includes(code)) reject(missingError('ENOENT', text))
      else resolve({ code: code ?? 20, text: code === null ? `killed by ${killed}` : text })
    })
  })
}

/** The first complaint is the reason, the last one says where in rsync it ended. */
function shown(complaints: Buffer): string {
  const lines = complaints.toString('utf8').split(/[\r\n]+/)
  const said = lines.filter((line) => line.trim() !== '' && !line.startsWith('rsync error: '))
  return shownName(said.join('; ').trim())
}

/** The daemon, or rsync itself, says no. */
export const serverError = (text: string): SustenError =>
  new SustenError(text, { code: 'ERR_SUSTEN_SERVER', syscall: 'rsync' })

function missingError(code: string, why: string, cause?: unknown): SustenError {
  const text = `${code}: rsync can't be run (${why}); install Debian's packages rsync and util-linux`
  return new SustenError(text, { code, syscall: 'spawn', cause })
}

const abortedError = (signal: AbortSignal | undefined): SustenError =>
  new SustenError('rsync was ended', { code: 'ABORT_ERR', cause: signal?.reason })
