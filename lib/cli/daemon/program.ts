/** A daemon, as the commands that every daemon has need to know it. */
import type { Loaded } from '../../config/index.js'
import type { Daemon, DaemonBasics, DaemonOptions } from '../../daemon/index.js'
import type { Arguments, Command } from '../command.js'
import type { Place } from './place.js'

export interface DaemonProgram<C, S extends DaemonBasics> {
  /** The command's name, and the unit's. */
  readonly name: string
  /** The file that Node runs. */
  readonly entry: URL
  readonly place: Place<C>
  /** What `start`, `restart` and `run` take besides the configuration. */
  readonly extra: {
    /** For the usage, with a blank before it; lines for `--help`, each with a line feed at its end. */
    readonly usage: string
    readonly help: string
    readonly options: Command['options']
    /**
     * Looks whether it goes with the configuration.
     * @param isRestart What a daemon was started with goes on unless something else is given.
     * @returns The same, for `run`
     * @throws UsageError
     */
    words(config: C, args: Arguments, isRestart: boolean): readonly string[]
    /** What can be done where it comes too late, since the daemon runs: `'x user' changes the user`. */
    readonly instead: string
  }
  /**
   * Looks whether it could start now. Its code is loaded no earlier.
   * @param words What `run` is given besides the configuration.
   * @throws SustenError what is missing
   */
  check(loaded: Loaded<C>, words: readonly string[]): Promise<void>
  /** What a restart keeps, for `--help`. */
  readonly restartHelp: string
  /** Has others wait while it restarts. Returns what ends that. */
  hold(config: C): () => void
  /** Begins. Its code is loaded no earlier. */
  begin(loaded: Loaded<C>, args: Arguments, options: DaemonOptions): Promise<Daemon>
  /** The status for people. */
  statusText(status: S): string
}
