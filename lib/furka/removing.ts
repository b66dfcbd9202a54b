/** Has files removed at their source, and reports what became of each. */
import type { FileSource } from '../source/files.js'
import type { Command, CoreEvent } from './core/index.js'
import { failureOf } from './failures.js'
import { offerOf } from './offers.js'
import { within } from './within.js'

type Files = Extract<Command, { type: 'remove' }>['files']

/** Characters of a reason that are told. */
const longestReason = 1000
/** How many times its `stallTimeout` a source may take: removals may wait for one another there. */
const patience = 4

export interface RemovingHost {
  /** Milliseconds for which a source may stand still. */
  readonly stallTimeout: number
  readonly signal: AbortSignal
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Not called any more once the signal aborts: what is under way is asked for again after the next start. */
  readonly report: (event: CoreEvent) => void
}

/** How many at once is the core's, and the source's, to say. */
export function removeFiles(
  source: FileSource,
  files: Files,
  { stallTimeout, signal, now, report }: RemovingHost,
): void {
  const remove = async ({ seq, offer }: Files[number]): Promise<CoreEvent> => {
    const timeout = patience * stallTimeout
    const removal = await within(source.remove(offerOf(offer)), { signal, timeout, what: 'answer to the removal' })
    const at = now()
    switch (removal.outcome) {
      case 'removed':
      case 'gone':
      case 'changed':
        return { type: 'removed', at, seq, outcome: removal.outcome }
      case 'early':
        return { type: 'removeLater', at, seq, after: Number(removal.after) || 0 }
      case 'kept':
        return { type: 'removeRefused', at, seq, reason: String(removal.reason).slice(0, longestReason) }
      default:
        throw new TypeError('what became of it is nothing that can be understood')
    }
  }
  for (const file of files) {
    remove(file).then(report, (error: unknown) => {
      if (!signal.aborted) report({ type: 'removeFailed', at: now(), seq: file.seq, failure: failureOf(error) })
    })
  }
}
