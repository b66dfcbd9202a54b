/** What every daemon says about itself, by its control socket. JSON can hold it. */

/** `starting`: the journal is being read; `stopping`: what moves is finished. */
export type Phase = 'starting' | 'running' | 'stopping'

export interface DaemonBasics {
  readonly phase: Phase
  readonly pid: number
  readonly version: string
  /** The configuration file. */
  readonly config: string
  /** Milliseconds since the epoch when the process began. */
  readonly started: number
  /** A supervisor was told: it is to be asked to restart it. */
  readonly supervised: boolean
  /** Lines that the log lacks. */
  readonly logLinesLost: number
}
