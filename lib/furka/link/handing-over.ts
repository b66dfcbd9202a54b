/** Carries out what the core wants of Grimsel, and reports what came of it. */
import type { Command, CoreEvent } from '../core/index.js'
import { failureOf } from '../failures.js'
import { isPresent } from '../present.js'
import type { Confirm } from '../types.js'
import { answerOf } from './answer.js'
import type { Link } from './link.js'

type Of<T extends Command['type']> = Extract<Command, { type: T }>

export interface HandingOver {
  announce(command: Of<'announce'>): void
  tellUser(command: Of<'tellUser'>): void
  ask(command: Of<'ask'>): void
}

export interface HandingOverHost {
  readonly link: Link
  readonly confirm: Confirm
  /** Ends it: what fails from then on isn't Grimsel's fault, and not told. */
  readonly signal: AbortSignal
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly report: (event: CoreEvent) => void
}

export function createHandingOver({ link, confirm, signal, now, report }: HandingOverHost): HandingOver {
  type Call = Extract<CoreEvent, { type: 'grimselFailed' }>['call']

  function attempt(call: Call, seqs: readonly number[], work: () => Promise<CoreEvent>): void {
    work().then(report, (error: unknown) => {
      if (!signal.aborted) report({ type: 'grimselFailed', at: now(), call, seqs, failure: failureOf(error) })
    })
  }

  async function announce({ files }: Of<'announce'>): Promise<CoreEvent> {
    const paths = files.flatMap((file) => file.paths)
    const owners = files.flatMap((file) => file.paths.map(() => file.seq))
    const errors = new Map<number, unknown>()
    for (const { index, error } of await link.announce(paths)) {
      const seq = owners[index]
      if (seq !== undefined && !errors.has(seq)) errors.set(seq, error)
    }
    const seqs = files.map(({ seq }) => seq).filter((seq) => !errors.has(seq))
    const refused = [...errors].map(([seq, error]) => ({ seq, failure: failureOf(error) }))
    return { type: 'announced', at: now(), seqs, refused }
  }

  async function ask({ files }: Of<'ask'>): Promise<CoreEvent> {
    if (link.find === undefined) throw new TypeError(`a ${link.by} can't be asked`)
    const found = await link.find(files.map(({ here }) => here.path))
    const answers: Extract<CoreEvent, { type: 'answered' }>['answers'][number][] = []
    for (const [index, { seq, here }] of files.entries()) {
      const { answer, text } = answerOf(found[index], confirm, here)
      // Only where Grimsel can't help does it matter whether it is still here.
      const present = answer === 'unknown' || answer === 'failed' ? await isPresent(here) : true
      answers.push({ seq, answer, present, text })
    }
    return { type: 'answered', at: now(), answers }
  }

  return {
    announce(command) {
      attempt(
        'announce',
        command.files.map(({ seq }) => seq),
        () => announce(command),
      )
    },
    tellUser({ turn }) {
      attempt('tellUser', [], async () => {
        await link.changeUser(turn.user)
        return { type: 'userTold', at: now(), turn: turn.number }
      })
    },
    ask(command) {
      attempt(
        'ask',
        command.files.map(({ seq }) => seq),
        () => ask(command),
      )
    },
  }
}
