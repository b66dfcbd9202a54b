/** Files that were given up: listing them, and doing something about them. */
import type { ByteString } from '../bytes.js'
import type { CoreEvent, FileRecord, State } from '../core/index.js'
import type { Journal } from '../journal/index.js'
import { optionError } from '../options.js'
import type { Shell } from './shell.js'
import type { FailedFile } from './types.js'
import { failedFile, type Geography } from './views.js'

/** Records per look into the journal. */
const page = 128

/** The failures of some storages, one storage after the other. */
export async function* listFailures(
  journal: Journal,
  where: Geography,
  storages: readonly string[],
): AsyncGenerator<FailedFile, void, undefined> {
  for (const storage of storages) {
    for await (const records of pages(journal, storage)) {
      for (const { path, cut, copies } of records) {
        const copy = copies.find((one) => one.storage === storage && one.state === 'failed')
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
  storages: readonly string[],
  path: ByteString | undefined,
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
  const all = state.storages.map((storage) => storage.config.id)
  if (id === undefined) return all
  if (!state.byId.has(id)) throw optionError(`there is no storage '${id}'; known are ${all.join(', ')}`)
  return [id]
}
