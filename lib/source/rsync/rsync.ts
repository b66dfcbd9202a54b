/** The files of an rsync daemon (PILATUS servers), as they become whole. */
import { createReadStream } from 'node:fs'
import { type ByteString, bufferOfBytes } from '../../bytes.js'
import { SustenError } from '../../errors.js'
import type { FileBody, FileOffer, FileSource } from '../files.js'
import { createListing } from '../listing.js'
import { createLooking } from '../looking.js'
import { shownName, textIfAny } from '../names.js'
import { pause } from '../pace.js'
import { createClient } from './client.js'
import { checkRsync, type RsyncOptions } from './options.js'
import { createRemovals } from './removals.js'
import { openStaging, type Staging } from './staging.js'
import { createTransfers, type Fetched } from './transfers.js'

/**
 * A module of an rsync daemon as a source of files. Runs Debian's `rsync`; nothing is asked of the server before the
 * source is opened. Files are fetched into `staging`, and removed at the server one by one, by name.
 * @throws SustenError `ERR_SUSTEN_OPTION`
 */
export function openRsync(options: RsyncOptions): FileSource {
  const checked = checkRsync(options)
  const { id, patience, poll, module, directory } = checked
  const client = createClient(module, directory, checked.stallTimeout)
  const ending = new AbortController()
  /** What was fetched and may be needed still, by name and version. */
  const located = new Map<string, Fetched[]>()
  let opening: Promise<Staging> | undefined
  let closing: Promise<void> | undefined
  let unreadable: string | undefined
  let last: Promise<unknown> = Promise.resolve()

  const listing = createListing({
    patience,
    mostFiles: checked.maxFiles,
    tell: (event) => looking.tell(event),
    mayTell: () => looking.mayTell,
  })

  const looking = createLooking({
    id,
    look: (signal) =>
      alone(async () => {
        await staging()
        const look = listing.begin()
        unreadable = await client.list(look.file, signal)
        await look.end(unreadable === undefined)
      }),
    pause(took, failures) {
      const sinceNew = listing.pending ? 0 : performance.now() - listing.lastNew
      return pause(poll, { sinceNew, sinceBusy: Number.POSITIVE_INFINITY, took, failures })
    },
    unsettled: () => listing.unsettled,
    unsettledFiles: listing.unsettledFiles,
    details() {
      const { found, taken, refused } = listing.counts
      return {
        files: String(found),
        ...(found > taken + refused ? { waiting: String(found - taken - refused) } : {}),
        ...(refused > 0 ? { refused: String(refused) } : {}),
        ...(unreadable === undefined ? {} : { unreadable: shownName(unreadable) }),
      }
    },
    onTaken: listing.wake,
    onStart: listing.clear,
    onStop: listing.clear,
    onLost: listing.doubt,
  })

  const transfers = createTransfers({ client, staging, pause: checked.interrunPause, signal: ending.signal })
  const removals = createRemovals({ client, listing, patience, staging, alone, signal: ending.signal })

  /** Opened when it is needed first; tried again if that failed. */
  function staging(): Promise<Staging> {
    opening ??= openStaging({ path: checked.staging, id, requiredMount: checked.requiredMount }).catch(
      (error: unknown) => {
        opening = undefined
        throw error
      },
    )
    return opening
  }

  function alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = last.then(work)
    last = mine.catch(() => {})
    return mine
  }

  async function fetch(file: FileOffer): Promise<Fetched> {
    looking.checkOpen()
    return await transfers.fetch(file)
  }

  async function close(): Promise<void> {
    const error = new SustenError(`The source '${id}' is closed; open another one`, { code: 'ERR_SUSTEN_CLOSED' })
    ending.abort(error)
    await Promise.all([looking.close(), transfers.close(error), removals.close(error)])
    await last
    const stage = await opening?.catch(() => undefined)
    await stage?.close()
  }

  return {
    id,
    open: (signal) => looking.open(signal),
    async locate(file) {
      const fetched = await fetch(file)
      const key = keyOf(file)
      located.set(key, [...(located.get(key) ?? []), fetched])
      return { type: 'path', root: textIfAny(fetched.directory), name: textIfAny(fetched.name) }
    },
    async release(file) {
      const key = keyOf(file)
      const all = located.get(key) ?? []
      located.delete(key)
      for (const fetched of all) await fetched.drop()
    },
    async read(file, signal) {
      signal?.throwIfAborted()
      const fetched = await fetch(file)
      return bodyOf(fetched, signal)
    },
    async remove(file) {
      looking.checkOpen()
      return looking.afterRemoval(file, await removals.remove(file))
    },
    look: () => looking.look(),
    unsettled: () => looking.unsettled(),
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  }
}

const keyOf = ({ name, version }: FileOffer): string => `${version}\0${name}`

/** The content of a file that was fetched, which goes when it was read. */
function bodyOf(fetched: Fetched, signal: AbortSignal | undefined): FileBody {
  const path = bufferOfBytes(`${fetched.directory}/${fetched.name}` as ByteString)
  const content = parts()
  const close = content.return.bind(content)
  // A generator that was never begun doesn't run its `finally`.
  content.return = async (value) => {
    await fetched.drop()
    return await close(value)
  }
  return { size: fetched.size, mtime: fetched.mtime, content }

  async function* parts(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* createReadStream(path, signal === undefined ? {} : { signal })
    } finally {
      await fetched.drop()
    }
  }
}
