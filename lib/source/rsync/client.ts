/** What is asked of an rsync daemon: lists, looks, fetches, removals. */
import { mkdir, rm } from 'node:fs/promises'
import { type ByteString, bufferOfBytes, bytesOfText } from '../../bytes.js'
import { SustenError } from '../../errors.js'
import type { ListedFile } from '../listing.js'
import { readLine } from './lines.js'
import { type Ended, runRsync, serverError } from './program.js'
import { directoriesOf, removalRules } from './rules.js'

export interface Client {
  /**
   * Lists everything.
   * @returns what couldn't be read; undefined: nothing, so what isn't listed isn't there
   */
  list(onFile: (file: ListedFile) => void, signal: AbortSignal): Promise<string | undefined>
  /**
   * Looks at single names.
   * @param empty An empty directory of this computer.
   */
  look(names: readonly ByteString[], empty: ByteString, signal: AbortSignal): Promise<ReadonlyMap<ByteString, Found>>
  /** Fetches files into a directory, below which they have their names. Those that are larger stay away. */
  fetch(names: readonly ByteString[], into: ByteString, largest: number, signal: AbortSignal): Promise<string>
  /**
   * Removes files, and nothing else.
   * @param scratch A new directory of this computer, for the directories that the names have.
   * @returns why the daemon removes nothing at all; undefined: what is gone can be looked at
   */
  remove(names: readonly ByteString[], scratch: ByteString, signal: AbortSignal): Promise<string | undefined>
}

/** What was found under a name: a file, something else, nothing; or why that can't be said. */
export type Found = ListedFile | 'other' | 'nothing' | SustenError

/** Exit codes of rsync(1). */
const OK = 0
const SYNTAX = 1
const UNSUPPORTED = 4
const PARTIAL = 23
const VANISHED = 24
const MAX_DELETE = 25
const TIMEOUT = 30
const CONNECT_TIMEOUT = 35

/** The most lines that a list may have. */
const MOST_LINES = 10_000_000
/** Names that are looked at one by one, at most, before the others must be asked for again. */
const MOST_SINGLES = 20
/** Milliseconds for rsync to notice by itself that the daemon doesn't answer. */
const SLACK = 2000
/** Milliseconds to connect, at the most. */
const CONNECT = 10_000

/**
 * @param module Of the module, with a slash at its end.
 * @param directory In it: empty, or with a slash at its end.
 */
export function createClient(module: string, directory: string, stallTimeout: number): Client {
  const url = `${module}${directory}`
  const seconds = (ms: number): number => Math.ceil(ms / 1000)
  const common = [
    '--no-motd',
    '--no-human-readable',
    '--no-iconv',
    '--protect-args',
    '--sockopts=TCP_NODELAY',
    `--timeout=${seconds(stallTimeout)}`,
    `--contimeout=${seconds(Math.min(CONNECT, stallTimeout))}`,
  ]
  /** A name that isn't there is no error; nothing in a name means anything. */
  const named = ['--ignore-missing-args', '--from0', '--files-from=-']

  function check(ended: Ended, allowed: readonly number[]): string | undefined {
    const { code, text } = ended
    if (code === OK) return undefined
    if (allowed.includes(code)) return text
    const what = `rsync ${url}: ${text === '' ? `exit code ${code}` : `${text} (exit code ${code})`}`
    if (code !== TIMEOUT && code !== CONNECT_TIMEOUT) throw serverError(what)
    throw new SustenError(`ETIMEDOUT: ${what}`, { code: 'ETIMEDOUT', errno: -110, syscall: 'rsync' })
  }

  /** @returns what couldn't be read; undefined: nothing */
  async function lookOnce(
    names: readonly ByteString[],
    empty: ByteString,
    signal: AbortSignal,
    found: Map<ByteString, Found>,
  ): Promise<string | undefined> {
    const wanted = new Set(names)
    const onLine = (text: ByteString): void => {
      const read = readLine(text)
      const name = read?.type === 'file' ? read.file.name : read?.name
      if (read !== undefined && name !== undefined && wanted.has(name)) {
        found.set(name, read.type === 'file' ? read.file : 'other')
      }
    }
    const args = [...common, ...named, '--list-only', '--', module, `${empty}/`]
    const ended = await runRsync({
      args,
      input: listOf(directory, names),
      onLine,
      signal,
      silence: stallTimeout + SLACK,
    })
    return check(ended, [PARTIAL, VANISHED])
  }

  return {
    async list(onFile, signal) {
      let lines = 0
      let isThere = false
      const onLine = (text: ByteString): void => {
        if (++lines > MOST_LINES) throw serverError(`rsync ${url}: the list has more than ${MOST_LINES} lines`)
        const read = readLine(text)
        if (read?.type === 'file') onFile(read.file)
        else isThere ||= read?.name === '.'
      }
      const args = [...common, '--list-only', '--recursive', '--', url]
      const ended = await runRsync({ args, onLine, signal, silence: stallTimeout + SLACK })
      const trouble = check(ended, [PARTIAL, VANISHED])
      // Not even the directory: what is missing is the module's directory, not its files.
      if (!isThere) throw serverError(`rsync ${url}: ${trouble ?? 'the list lacks the directory itself'}`)
      return trouble
    },
    async look(names, empty, signal) {
      const found = new Map<ByteString, Found>()
      const trouble = await lookOnce(names, empty, signal, found)
      const missing = names.filter((name) => !found.has(name))
      for (const [index, name] of missing.entries()) {
        // Something couldn't be looked at: each by itself, some at a time.
        const own = trouble === undefined ? undefined : index < MOST_SINGLES ? await single(name) : trouble
        if (!found.has(name)) found.set(name, own === undefined ? 'nothing' : serverError(`rsync ${url}: ${own}`))
      }
      return found

      function single(name: ByteString): Promise<string | undefined> {
        return names.length === 1 ? Promise.resolve(trouble) : lookOnce([name], empty, signal, found)
      }
    },
    async fetch(names, into, largest, signal) {
      const kept = ['--times', '--whole-file', '--no-implied-dirs', '--chmod=D700,F600']
      const bounds = `--max-size=${Math.max(1, largest)}`
      const args = [...common, ...named, ...kept, bounds, '--', module, `${into}/`]
      const ended = await runRsync({ args, input: listOf(directory, names), signal, largest })
      return check(ended, [PARTIAL, VANISHED]) ?? ''
    },
    async remove(names, scratch, signal) {
      // Their directories are there as they are at the server, so that none of them is removed.
      for (const directory of new Set(names.flatMap(directoriesOf))) {
        await mkdir(bufferOfBytes(`${scratch}/${directory}` as ByteString), { mode: 0o700 })
      }
      const removing = ['--recursive', '--delete', '--existing', '--ignore-existing', `--max-delete=${names.length}`]
      const args = [...common, ...removing, '--from0', '--include-from=-', '--', `${scratch}/`, url]
      const input = bufferOfBytes(removalRules(names))
      try {
        const ended = await runRsync({ args, input, signal })
        if (ended.code === SYNTAX || ended.code === UNSUPPORTED) return ended.text
        check(ended, [PARTIAL, VANISHED, MAX_DELETE])
        return undefined
      } finally {
        await rm(bufferOfBytes(scratch), { recursive: true, force: true })
      }
    },
  }
}

/**
 * For `--files-from`, from the module on: daemons of rsync 3.5.0 without chroot find nothing below a directory of a URL.
 * What follows `/./` is recreated. No name looks like a comment or an option.
 */
function listOf(directory: string, names: readonly ByteString[]): Buffer {
  const before = bytesOfText(`./${directory}./`)
  return bufferOfBytes(names.map((name) => `${before}${name}\0`).join('') as ByteString)
}
