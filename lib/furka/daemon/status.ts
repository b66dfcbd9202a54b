/** What the daemon says about itself, by the control socket. JSON can hold it. */
import type { DaemonBasics } from '../../daemon/index.js'
import type { FurkaStatus } from '../types.js'

/** What only Furka says. */
export interface OwnStatus {
  /** What was given by `-d`, `ID:[SOURCE]:[TARGET]` each. */
  readonly detectors: readonly string[]
  /** Absent while starting. */
  readonly furka?: FurkaStatus
}

export type DaemonStatus = DaemonBasics & OwnStatus
