/** Files that were given up: listing them, and doing something about them. */
import { inspect } from 'node:util'
import type { ByteString } from '../bytes.js'
import type { CoreEvent, FileRecord, State } from '../core/index.js'
import type { Journal } from '../journal/index.js'
import { optionError } from '../options.js'
import type { Shell } from './shell.js'
import type { FailedFile } from './types.js'
import { failedFile, type Geography } from './views.js'

/** Records per look into the journal. */
const page = 128

/** Which failures are meant. */
export interface Meant {
  readonly storages: readonly string[]
  /** Below the source; none: all files. */
  readonly path: ByteString | undefined
}

/** The failures that are meant, one storage after the other. */
export async function* listFailures(
  journal: Journal,
  where: Geography,
  { storages, path: only }: Meant,
): AsyncGenerator<FailedFile, void, undefined> {
  for (const storage of storages) {
    const one = only === undefined ? undefined : journal.get(only)
    const found = only === undefined ? pages(journal, storage) : [one === undefined ? [] : [one]]
    for await (const records of found) {
      for (const { path, cut, copies } of records) {
        const copy = copies.find((of) => of.storage === storage && of.state === 'failed')
        if (copy?.failure === undefined) continue
        yield failedFile(where, { storage, path, cut, failure: copy.failure, attempts: copy.attempts })
      }
    }
  }
}

/** Does the same about all failures that are meant; their number. */
export async function treatFailures(
  type: 'retry' | 'dismiss',
  host: { readonly journal: Journal; readonly shell: Shell; readonly now: () => number },
  { storages, path }: Meant,
): Promise<number> {
  const { journal, shell, now } = host
  let count = 0
  const event = (storage: string, of: ByteString): CoreEvent => ({ type, at: now(), path: of, storage })
  // What was decided so far must be listed.
  await shell.postDurably([])
  for (const storage of storages) {
    if (path !== undefined) {
      if (!isFailed(journal.get(path), storage)) continue
      count += 1
      await shell.postDurably([event(storage, path)])
      continue
    }
    for await (const records of pages(journal, storage)) {
      const failed = records.filter((record) => isFailed(record, storage))
      count += failed.length
      await shell.postDurably(failed.map((record) => event(storage, record.path)))
    }
  }
  return count
}

const isFailed = (record: FileRecord | undefined, storage: string): boolean =>
  record?.copies.some((copy) => copy.storage === storage && copy.state === 'failed') ?? false

async function* pages(journal: Journal, storage: string): AsyncGenerator<FileRecord[], void, undefined> {
  let after = 0
  for (;;) {
    const records = journal.list(storage, 'failed', after, page)
    const last = records.at(-1)
    if (last === undefined) return
    yield records
    after = last.seq
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** The storages that are meant: one by its id, or all. */
export function chosenStorages(state: State, id: string | undefined): readonly string[] {
  return id === undefined ? idsOf(state) : [oneStorage(state, id)]
}

/** A storage's id, or the error that there is none of this id. */
export function oneStorage(state: State, id: string): string {
  if (state.byId.has(id)) return id
  throw optionError(`there is no storage ${inspect(id)}; known are ${idsOf(state).join(', ')}`)
}

const idsOf = (state: State): string[] => state.storages.map((storage) => storage.config.id)
