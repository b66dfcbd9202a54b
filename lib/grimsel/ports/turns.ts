/** Work for many clients, in small steps and in turn: however much they ask for, the event loop goes on. */

/** A step of some work, of a few hundred microseconds at most. True: there is more to do. May not throw. */
export type Step = () => boolean

export interface Turns {
  /** Puts work at the end of the queue. After each step that leaves more to do it goes there again. */
  add(step: Step): void
}

/** Milliseconds of work in one turn of the event loop. */
const share = 0.5
/** Milliseconds that belong to others between two such turns. */
const pause = 1

export function createTurns(): Turns {
  const queue: Step[] = []
  let due = false
  let ended = Number.NEGATIVE_INFINITY

  function run(): void {
    due = false
    const until = performance.now() + share
    do {
      const step = queue.shift()
      if (step?.()) queue.push(step)
      ended = performance.now()
    } while (queue.length > 0 && ended < until)
    if (queue.length > 0) plan()
  }

  function plan(): void {
    if (due) return
    due = true
    if (performance.now() < ended + pause) setTimeout(run, pause)
    else setImmediate(run)
  }

  return {
    add(step) {
      queue.push(step)
      plan()
    },
  }
}
