/** The files of a directory that a detector writes to, an NFS mount or a local folder, as they become whole. */
import { createHash } from 'node:crypto'
import { type ByteString, textOfBytes } from '../../bytes.js'
import { openEngine, type Volume } from '../../engine/index.js'
import { fromNative, SustenError } from '../../errors.js'
import { inSlices } from '../../slices.js'
import type { FileOffer, FileSource } from '../files.js'
import { createListing } from '../listing.js'
import { createLooking } from '../looking.js'
import { shownName, textIfAny } from '../names.js'
import { createSettling } from '../settling.js'
import { bytesOfSpelling } from '../spelling.js'
import { createWatching } from '../watching.js'
import { lookBeneath } from './beneath.js'
import { findLeft } from './left.js'
import { isRemote, watchMount } from './mount.js'
import { checkIncoming, type IncomingOptions } from './options.js'
import { readBeneath } from './read.js'
import { createRemovals } from './removals.js'
import { listedOf } from './version.js'

/** Milliseconds for which a file must look the same that was just closed, or moved here. */
const CLOSED = 25
/** Such files, at most; the others are found by looks at everything. */
const MOST_CLOSED = 10_000
/** Where notifications come, a look at everything may take this part of the time. */
const SHARE = 1 / 20

/**
 * A directory as a source of files. Nothing is looked at before the source is opened.
 * @throws SustenError `ERR_SUSTEN_OPTION`
 */
export function openIncoming(options: IncomingOptions): FileSource {
  const checked = checkIncoming(options)
  const { id, path, patience, scanInterval } = checked
  // What a process of this tag had put away when it died gets its name back.
  const tag = createHash('sha256').update(id).digest('hex').slice(0, 16)
  const engine = openEngine({ threads: 2, tempTag: tag })
  const mount = watchMount(engine, path, checked.mountPoint)
  let closing: Promise<void> | undefined
  let unreadable: string | undefined
  let restored = false
  /** Notifications were lost since the last look, or don't come from everywhere. */
  let missed = false
  let partial = false
  let looked = Number.NEGATIVE_INFINITY
  let last: Promise<unknown> = Promise.resolve()

  const listing = createListing({
    patience,
    mostFiles: checked.maxFiles,
    tell: (event) => looking.tell(event),
    mayTell: () => looking.mayTell,
  })

  const looking = createLooking({
    id,
    look: (signal) => alone(() => lookAtAll(signal)),
    pause(took) {
      const isRelaxed = watching.active && !missed && !listing.pending
      return Math.max(scanInterval, isRelaxed ? took / SHARE : took)
    },
    unsettled: () => listing.unsettled,
    unsettledFiles: listing.unsettledFiles,
    details() {
      const { found, taken, refused } = listing.counts
      return {
        files: String(found),
        watched: watching.active ? (partial ? 'partly' : 'yes') : 'no',
        ...(found > taken + refused ? { waiting: String(found - taken - refused) } : {}),
        ...(refused > 0 ? { refused: String(refused) } : {}),
        ...(unreadable === undefined ? {} : { unreadable: shownName(unreadable) }),
      }
    },
    onTaken: listing.wake,
    onStart() {
      listing.clear()
      closed = settlingClosed()
    },
    onStop() {
      closed.close()
      void watching.close()
      listing.clear()
    },
    onLost: listing.doubt,
  })

  const removals = createRemovals({ path, engine, mount, listing, patience, alone })

  const watching = createWatching({
    directory: path,
    onComplete(names) {
      for (const name of names) closed.add(name, undefined)
    },
    onFound() {},
    onOverflow() {
      missed = true
      if (performance.now() - looked > scanInterval) looking.hurry()
    },
    onLimit() {
      partial = true
    },
    onGone: () => looking.hurry(),
  })

  /** Files that were closed after writing are whole sooner than others. */
  const settlingClosed = () =>
    createSettling({
      settle: Math.min(CLOSED, patience.settle),
      limit: MOST_CLOSED,
      async look(name) {
        const marks = await lookBeneath(path, name).catch(() => undefined)
        return marks === undefined ? undefined : { dev: 0n, ...marks }
      },
      judge: () => 'young',
      onQuiet: (files) =>
        alone(async () => {
          const remote = isRemote(await mount.check())
          const asked = performance.now()
          for (const { path: name, fingerprint } of files) listing.offer(listedOf(name, fingerprint, remote), asked)
        }).catch(() => {}),
      onEmpty() {},
    })
  let closed = settlingClosed()

  function alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = last.then(work)
    last = mine.catch(() => {})
    return mine
  }

  async function lookAtAll(signal: AbortSignal): Promise<void> {
    const volume = await mount.check()
    const remote = isRemote(volume)
    // Before the look, so that nothing is missed in between.
    if (!remote && !signal.aborted) startWatching()
    if (!restored && !remote) await restore(volume, signal)
    missed = partial
    let trouble: string | undefined
    const look = listing.begin(true)
    for await (const batch of engine.walk({ root: path, below: '' as ByteString }, { signal })) {
      const [failed] = batch.unreadable
      if (failed !== undefined) trouble ??= fromNative(failed).message
      await inSlices(batch.names, (name, index) => {
        const fingerprint = batch.fingerprints[index]
        if (fingerprint !== undefined) look.file(listedOf(name, fingerprint, remote))
      })
    }
    await mount.check(volume)
    unreadable = trouble
    looked = performance.now()
    await look.end(trouble === undefined)
  }

  /** Gives back their names to files that a dead process had put away. */
  async function restore({ identity }: Volume, signal: AbortSignal): Promise<void> {
    const left = await findLeft(path, tag, signal)
    if (left.length > 0) {
      await engine.release({ root: path, rootIdentity: identity, files: [], restore: left, durability: 'none' })
    }
    restored = !signal.aborted
  }

  /** Where it can't be watched, looks at everything do. */
  function startWatching(): void {
    if (watching.active) return
    partial = false
    try {
      watching.start()
    } catch {}
  }

  async function close(): Promise<void> {
    const error = new SustenError(`The source '${id}' is closed; open another one`, { code: 'ERR_SUSTEN_CLOSED' })
    await Promise.all([looking.close(), removals.close(error)])
    await last
    await watching.close()
    await engine.close('cancel')
  }

  return {
    id,
    open: (signal) => looking.open(signal),
    locate: ({ name }: FileOffer) => ({ type: 'path', root: textIfAny(path), name: textIfAny(bytesOfSpelling(name)) }),
    async read(file, signal) {
      looking.checkOpen()
      await mount.check()
      return await readBeneath(path, file, signal)
    },
    async remove(file) {
      looking.checkOpen()
      if (!checked.remove) {
        return { outcome: 'kept', reason: `nothing is removed from ${textOfBytes(path)}: option 'remove' is false` }
      }
      return looking.afterRemoval(file, await removals.remove(file))
    },
    look: () => looking.look(),
    unsettled: () => looking.unsettled(),
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  }
}
