/** Has files removed at their source, and reports what became of each. */
import type { FileSource } from '../source/files.js'
import type { Command, CoreEvent } from './core/index.js'
import { failureOf } from './failures.js'
import { offerOf } from './offers.js'

type Files = Extract<Command, { type: 'remove' }>['files']

/** How many at once is the core's, and the source's, to say. */
export function removeFiles(
  source: FileSource,
  files: Files,
  { now, report }: { readonly now: () => number; readonly report: (event: CoreEvent) => void },
): void {
  const remove = async ({ seq, offer }: Files[number]): Promise<CoreEvent> => {
    const removal = await source.remove(offerOf(offer))
    const at = now()
    switch (removal.outcome) {
      case 'removed':
      case 'gone':
      case 'changed':
        return { type: 'removed', at, seq, outcome: removal.outcome }
      case 'early':
        return { type: 'removeLater', at, seq, after: Number(removal.after) || 0 }
      case 'kept':
        return { type: 'removeRefused', at, seq, reason: String(removal.reason) }
      default:
        throw new TypeError('what became of it is nothing that can be understood')
    }
  }
  for (const file of files) {
    remove(file).then(report, (error: unknown) =>
      report({ type: 'removeFailed', at: now(), seq: file.seq, failure: failureOf(error) }),
    )
  }
}
