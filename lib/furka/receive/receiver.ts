/** Receives the files of one source, as the core wants it, and reports what came of each. */

import { setMaxListeners } from 'node:events'
import type { ByteString } from '../../bytes.js'
import { classify } from '../../core/failures.js'
import { type EngineOptions, openEngine } from '../../engine/index.js'
import type { FileSource } from '../../source/files.js'
import type { Target } from '../../storage/index.js'
import { contentsBeside } from '../beside.js'
import type { Command, CoreEvent, Failure, Offer } from '../core/index.js'
import { failureOf } from '../failures.js'
import { offerOf } from '../offers.js'
import { announcedPath, depthOf, placeOf, relative } from '../place.js'
import type { FurkaUser } from '../user.js'
import { dropIfGrown } from './grown.js'
import { createHeld } from './held.js'
import { createOwners } from './owners.js'
import type { Staging } from './staging.js'
import { type Arrived, type Destination, giveUp, type Missed, transfer } from './transfer.js'

type Of<T extends Command['type']> = Extract<Command, { type: T }>

export interface ReceiverOptions {
  readonly source: FileSource
  readonly target: Target
  readonly connections: number
  readonly stallTimeout: number
  readonly engine: Pick<EngineOptions, 'faults' | 'nice'>
  /** Marks what it leaves unfinished. */
  readonly tag: string
  readonly mode: number
  readonly directoryMode: number
  /** What is mounted at the target, where something must be. */
  readonly identity: () => string | undefined
  readonly staging: Staging
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly report: (event: CoreEvent) => void
  /** Looks at the target now; why nothing can be written there, if that is so. */
  readonly lookAtTarget: () => Promise<Failure | undefined>
}

export interface Receiver {
  receive(files: Of<'receive'>['files']): void
  seek(files: Of<'seek'>['files']): void
  verify(files: Of<'verify'>['files']): void
  /** Gives up what is under way, and ends the threads. Nothing is reported any more. */
  close(): Promise<void>
}

type Order = Of<'receive'>['files'][number]

export function createReceiver(options: ReceiverOptions): Receiver {
  const { source, target, connections, stallTimeout: stall, tag, identity, staging, now, lookAtTarget } = options
  const engine = openEngine({ ...options.engine, threads: connections, tempTag: tag })
  const stopping = new AbortController()
  setMaxListeners(0, stopping.signal)
  const host = { source, engine, staging, stall, signal: stopping.signal }
  const held = createHeld((file) => void giveUp(host, file))
  const owners = createOwners(target)

  function report(event: CoreEvent): void {
    if (!stopping.signal.aborted) options.report(event)
  }

  function destinationOf(offer: Offer, user: FurkaUser): Destination {
    const { root, layout } = placeOf(target, user.userDirectory)
    const { mode, directoryMode } = options
    return {
      root,
      identity: identity(),
      dest: relative(layout, offer.path),
      // Only its last part is the user's: who owned one above could take away those of others.
      layout: depthOf(target.layout) + Math.max(0, depthOf(user.userDirectory) - 1),
      as: { uid: user.uid, gid: user.gid, mode, directoryMode },
      existing: 'version',
    }
  }

  async function receive({ seq, offer, user, again }: Order): Promise<void> {
    const to = destinationOf(offer, user)
    const path = announcedPath(to.root, to.dest)
    const reach = await owners.check(user)
    const arrived = await transfer({ ...host, held }, offerOf(offer), to)
    if (arrived.outcome === 'missed') {
      missed(seq, arrived, again ? await contentsBeside(path, arrived.gone) : [])
      return
    }
    if (reach === 'passing') await owners.check(user)
    const { outcome, version } = await kept(to, arrived)
    const { size, digest } = arrived
    const here = { path, size, digest, received: now(), ...(version === undefined ? {} : { version }) }
    const also = again ? await contentsBeside(path) : []
    report({ type: 'received', at: now(), seq, outcome, here, also })
  }

  function missed(seq: number, { side, gone, failure }: Missed, also: readonly ByteString[] = []): void {
    if (side === 'target' && classify(failure, 'storage') === 'full') held.clear()
    if (side === 'target') void lookAtTarget()
    report({ type: 'receiveFailed', at: now(), seq, side, gone, failure, also })
  }

  /** What was kept under a versioned name is to be announced, unless it is no other content. */
  async function kept({ root, dest }: Destination, { outcome, version }: Arrived) {
    if (outcome !== 'versioned' || version === undefined) return { outcome }
    const slash = dest.lastIndexOf('/')
    const [below, name] = slash < 0 ? ['', dest] : [dest.slice(0, slash), dest.slice(slash + 1)]
    const found = await dropIfGrown(root, below, name, version)
    if (found === 'dropped') return { outcome: 'replaced' } as const
    // Grimsel copies no links: it knows what this one leads to.
    if (found === 'link') return { outcome }
    return { outcome, version: announcedPath(root, relative(below, version)) }
  }

  async function seek({ seq, offer, user }: Of<'seek'>['files'][number]): Promise<void> {
    const { root, dest } = destinationOf(offer, user)
    const also = await contentsBeside(announcedPath(root, dest), true)
    // That nothing is there counts only where it could be.
    const failure = also.length > 0 ? undefined : await lookAtTarget()
    if (failure === undefined) report({ type: 'sought', at: now(), seq, also })
    else report({ type: 'seekFailed', at: now(), seq, failure })
  }

  /** Received once more, to a place of its own, only to be compared. */
  async function verify({ seq, offer, here }: Of<'verify'>['files'][number]): Promise<void> {
    const found = await staging.use(async (stage) => {
      const name = stage.name()
      const as = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, mode: 0o600, directoryMode: 0o700 }
      const to: Destination = { root: stage.root, identity: undefined, dest: name, layout: 0, as, existing: 'replace' }
      try {
        return await transfer(host, offerOf(offer), to)
      } finally {
        await stage.remove(name)
      }
    })
    if (found.outcome !== 'missed') {
      const same = found.digest === here.digest && found.size === here.size
      report({ type: 'verified', at: now(), seq, outcome: same ? 'same' : 'different' })
    } else if (found.gone) {
      report({ type: 'verified', at: now(), seq, outcome: 'gone' })
    } else if (found.failure.code === 'ERR_SUSTEN_CHANGED') {
      report({ type: 'verified', at: now(), seq, outcome: 'different' })
    } else {
      if (found.side === 'target') void lookAtTarget()
      report({ type: 'verifyFailed', at: now(), seq, failure: found.failure })
    }
  }

  return {
    receive(files) {
      for (const file of files) {
        receive(file).catch((error: unknown) =>
          missed(file.seq, { outcome: 'missed', side: 'target', gone: false, failure: failureOf(error) }),
        )
      }
    },
    seek(files) {
      for (const file of files) {
        seek(file).catch((error: unknown) =>
          report({ type: 'seekFailed', at: now(), seq: file.seq, failure: failureOf(error) }),
        )
      }
    },
    verify(files) {
      for (const file of files) {
        verify(file).catch((error: unknown) =>
          report({ type: 'verifyFailed', at: now(), seq: file.seq, failure: failureOf(error) }),
        )
      }
    },
    async close() {
      stopping.abort()
      held.close()
      await engine.close('cancel')
    },
  }
}
