/** Files on their way here: fetched many at a time into the staging directory, and kept there until they aren't needed. */
import { lstat } from 'node:fs/promises'
import { type ByteString, bufferOfBytes } from '../../bytes.js'
import { SustenError } from '../../errors.js'
import { createBatches } from '../batches.js'
import type { FileOffer } from '../files.js'
import { bytesOfSpelling, spelled } from '../spelling.js'
import type { Client } from './client.js'
import { versionOf } from './lines.js'
import { serverError } from './program.js'
import type { Staging } from './staging.js'

/** A file that was fetched. */
export interface Fetched {
  readonly directory: ByteString
  readonly name: ByteString
  readonly size: number
  /** Milliseconds since 1970. */
  readonly mtime: number
  /** Removes it. */
  drop(): Promise<void>
}

export interface Transfers {
  /** Rejects with `ENOENT` if the file is gone, `ERR_SUSTEN_CHANGED` if it is another version. */
  fetch(file: FileOffer): Promise<Fetched>
  close(error: SustenError): Promise<void>
}

export interface TransferOptions {
  readonly client: Pick<Client, 'fetch' | 'look'>
  readonly staging: () => Promise<Staging>
  readonly pause: number
  readonly signal: AbortSignal
}

/** What one run fetches at most; a file that is larger has one of its own. */
const MOST = 1000
const HEAVIEST = 256 * 2 ** 20
/** Milliseconds for which calls are collected. */
const COLLECT = 5

export function createTransfers({ client, staging, pause, signal }: TransferOptions): Transfers {
  const batches = createBatches<FileOffer, Fetched>({
    keyOf: ({ name }) => name,
    weightOf: ({ size = 0 }) => size,
    most: MOST,
    heaviest: HEAVIEST,
    collect: COLLECT,
    pause,
    run,
  })

  async function run(files: readonly FileOffer[]): Promise<readonly (Fetched | SustenError)[]> {
    const stage = await staging()
    const directory = await stage.make()
    let left = 0
    try {
      const names = files.map(({ name }) => bytesOfSpelling(name))
      const largest = Math.max(...files.map(({ size = 0 }) => size))
      const trouble = await client.fetch(names, directory, largest, signal)
      const drop = async (name: ByteString): Promise<void> => {
        await stage.drop(directory, name)
        if (--left === 0) await stage.remove(directory)
      }
      const answers: (Fetched | SustenError)[] = []
      for (const [index, file] of files.entries()) {
        const answer = await look(directory, names[index] ?? ('' as ByteString), file, trouble, drop)
        if (!(answer instanceof SustenError)) left++
        answers.push(answer)
      }
      // With the directory all of it went: that says nothing of what the server has.
      if (answers.some(isMissing)) await stage.expect(directory)
      await explain(answers, names, stage)
      return answers
    } finally {
      if (left === 0) await stage.remove(directory)
    }
  }

  /** The file as it came, if it is the one that was offered. */
  async function look(
    directory: ByteString,
    name: ByteString,
    { name: spelling, version }: FileOffer,
    trouble: string,
    drop: (name: ByteString) => Promise<void>,
  ): Promise<Fetched | SustenError> {
    const stats = await lstat(bufferOfBytes(`${directory}/${name}` as ByteString), { bigint: true }).catch(
      () => undefined,
    )
    if (!stats?.isFile())
      return trouble === '' ? missingError(spelling) : serverError(`rsync of ${spelling}: ${trouble}`)
    const size = Number(stats.size)
    const seconds = Number((stats.mtimeNs - (((stats.mtimeNs % SECOND) + SECOND) % SECOND)) / SECOND)
    if (versionOf(size, seconds) !== version) return changedError(spelling)
    let isDropped = false
    const dropOnce = async (): Promise<void> => {
      if (isDropped) return
      isDropped = true
      await drop(name)
    }
    return { directory, name, size, mtime: Number(stats.mtimeNs) / 1e6, drop: dropOnce }
  }

  /** What didn't come without a complaint is gone, or has become larger than it was. */
  async function explain(
    answers: (Fetched | SustenError)[],
    names: readonly ByteString[],
    stage: Staging,
  ): Promise<void> {
    const missing = answers.flatMap((answer, index) => (isMissing(answer) ? [index] : []))
    if (missing.length === 0) return
    const asked = missing.flatMap((index) => names[index] ?? [])
    const found = await client.look(asked, await stage.empty(), signal)
    for (const index of missing) {
      const name = names[index]
      const now = name === undefined ? undefined : found.get(name)
      if (now instanceof SustenError) answers[index] = now
      else if (name !== undefined && now !== 'nothing') answers[index] = changedError(spelled(name))
    }
  }

  return { fetch: batches.ask, close: batches.close }
}

const SECOND = 1_000_000_000n

const isMissing = (answer: Fetched | SustenError): boolean => answer instanceof SustenError && answer.code === 'ENOENT'

const missingError = (name: string): SustenError =>
  new SustenError(`ENOENT: the server doesn't have it, rsync of ${name}`, {
    code: 'ENOENT',
    errno: -2,
    syscall: 'rsync',
  })

function changedError(name: string): SustenError {
  const text = `ERR_SUSTEN_CHANGED: another version than the one that was offered, rsync of ${name}`
  return new SustenError(text, { code: 'ERR_SUSTEN_CHANGED', syscall: 'rsync' })
}
