/** The shell around the core: carries commands out, and tells what came of them once it is durable. */
import { type CoreLoop, createCoreLoop } from '../core-loop.js'
import type { Journal } from '../journal/index.js'
import { type CoreEvent, decide, type JournalOp, type Notice, type Order, type State } from './core/index.js'
import { closedError } from './failures.js'

/** What the shell needs of its surroundings. */
export interface ShellHost {
  readonly state: State
  readonly journal: Journal
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Must not throw. */
  readonly carryOut: (order: Order) => void
  /** What a notice says is durable. */
  readonly tell: (notice: Notice) => void
  /** The journal failed: nothing goes on. */
  readonly onFailure: (error: unknown) => void
  /** Told whenever something came to its end, so that who waits can look. */
  readonly onProgress: () => void
}

export type Shell = Pick<
  CoreLoop<CoreEvent, Notice, JournalOp>,
  'post' | 'postDurably' | 'waiting' | 'settled' | 'beginTelling' | 'stop'
>

export function createShell({ state, journal, now, carryOut, tell, onFailure, onProgress }: ShellHost): Shell {
  const loop = createCoreLoop<CoreEvent, Notice, JournalOp>({
    journal,
    now,
    decide(events) {
      for (const command of decide(state, events)) {
        if (command.type === 'journal') loop.apply(command.ops, command.notices)
        else if (command.type === 'tell') loop.tellSoon(command.notice)
        else if (command.type === 'wake') loop.wakeAt(command.at)
        else carryOut(command)
      }
    },
    tick: () => ({ type: 'tick', at: now() }),
    journaled: (ops) => ({ type: 'journaled', at: now(), ops }),
    tell,
    onFailure,
    onProgress,
    closedError,
  })
  return loop
}
