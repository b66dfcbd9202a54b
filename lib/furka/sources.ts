/** One source with all that belongs to it: where its files go, what reads it, what receives from it. */
import { addToRate, createRate, rateAt } from '../core/rate.js'
import type { FileSource } from '../source/files.js'
import type { Target } from '../storage/index.js'
import type { FileRecord, Here } from './core/index.js'
import { createLatencies } from './latencies.js'
import type { Reading } from './reading.js'
import type { Receiver } from './receive/index.js'
import type { TargetPlace } from './targets.js'
import type { FurkaSourceStatus } from './types.js'

export interface OpenSource {
  readonly source: FileSource
  readonly target: Target
  /** Milliseconds for which it may stand still. */
  readonly stallTimeout: number
  readonly place: TargetPlace
  readonly receiver: Receiver
  /** Absent before it is read. */
  reading: Reading | undefined
  readonly figures: Figures
}

/** How quickly files come. */
export interface Figures {
  count(record: FileRecord & { readonly here: Here }): void
  read(): Pick<FurkaSourceStatus, 'rate' | 'latency'>
}

/** @param now Milliseconds since the epoch. */
export function createFigures(now: () => number): Figures {
  const rate = createRate(now())
  const latencies = createLatencies()
  return {
    count({ offer, here }) {
      addToRate(rate, now(), here.size)
      latencies.add(Math.max(0, here.received - offer.seen))
    },
    read() {
      const latency = latencies.percentiles()
      return { rate: rateAt(rate, now()), ...(latency === undefined ? {} : { latency }) }
    },
  }
}
