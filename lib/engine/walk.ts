/** A walk's events as an async iteration with back-pressure. */
import type { NativeWalkJob } from '../native.js'
import { abortError } from './abort.js'
import type { WalkEntries } from './engine.js'
import type { Jobs, RunningJob } from './jobs.js'

/** How a walk reaches the addon. */
export interface WalkHost {
  readonly jobs: Jobs
  submit(job: NativeWalkJob): number
  /** Tells the addon that one batch was taken. */
  acknowledge(id: number): void
}

/** Walks a directory. Batches are acknowledged when the next one is asked for, so few are ever held. */
export async function* walkEntries(
  host: WalkHost,
  job: NativeWalkJob,
  signal: AbortSignal | undefined,
): AsyncGenerator<WalkEntries, void, undefined> {
  const ready: WalkEntries[] = []
  let wake = (): void => {}
  let running: RunningJob | undefined
  let ended = false
  const end = host.jobs
    .run({
      submit: () => host.submit(job),
      signal,
      onEvent(event, self) {
        if (event.type !== 'entries') return
        running = self
        ready.push(event)
        wake()
      },
    })
    .then(
      () => undefined,
      (error: unknown) => ({ error }),
    )
    .finally(() => {
      ended = true
      wake()
    })

  try {
    for (;;) {
      if (signal?.aborted) throw abortError(signal)
      const batch = ready.shift()
      if (batch !== undefined) {
        yield batch
        if (running?.live) host.acknowledge(running.id)
      } else if (ended) {
        const failed = await end
        if (failed !== undefined) throw failed.error
        return
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  } finally {
    running?.fail(undefined)
    await end
  }
}
