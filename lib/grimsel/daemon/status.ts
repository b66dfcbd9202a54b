/** What a daemon says about itself, by the control socket. JSON can hold it. */
import type { DaemonBasics } from '../../daemon/index.js'
import type { GrimselStatus } from '../types.js'

/** What only Grimsel says. */
export interface OwnStatus {
  /** Addresses of the ports. */
  readonly ports: { readonly status: readonly string[]; readonly messages: readonly string[] }
  /** What the pipe brought: paths that were announced, those that were refused, and lines that are none, by reason. */
  readonly pipe: {
    readonly path: string
    readonly announced: number
    readonly refused: number
    readonly bad: Readonly<Record<string, number>>
  }
  /** Absent while starting. */
  readonly grimsel?: GrimselStatus
}

export type DaemonStatus = DaemonBasics & OwnStatus
