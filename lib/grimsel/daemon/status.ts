/** What a daemon says about itself, by the control socket. JSON can hold it. */
import type { GrimselStatus } from '../types.js'

/** `starting`: the journal is being read; `stopping`: what moves is finished. */
export type Phase = 'starting' | 'running' | 'stopping'

export interface DaemonStatus {
  readonly phase: Phase
  readonly pid: number
  readonly version: string
  /** The configuration file. */
  readonly config: string
  /** Milliseconds since the epoch when the process began. */
  readonly started: number
  /** A supervisor was told: it is to be asked to restart it. */
  readonly supervised: boolean
  /** Addresses of the ports. */
  readonly ports: { readonly status: readonly string[]; readonly messages: readonly string[] }
  /** What the pipe brought: paths that were announced, those that were refused, and lines that are none, by reason. */
  readonly pipe: {
    readonly path: string
    readonly announced: number
    readonly refused: number
    readonly bad: Readonly<Record<string, number>>
  }
  /** Lines that the log lacks. */
  readonly logLinesLost: number
  /** Absent while starting. */
  readonly grimsel?: GrimselStatus
}
