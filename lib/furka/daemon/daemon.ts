/** Furka as a daemon: everything that a configuration names, and a Furka in the middle. */
import {
  type Daemon,
  type DaemonInside,
  type DaemonOptions,
  type RunningService,
  runDaemon,
} from '../../daemon/index.js'
import type { Log } from '../../log/index.js'
import { type LoadedFurkaConfig, spellingOf } from '../config/index.js'
import { changeDetectors, parseDetector } from '../detectors.js'
import { Furka } from '../index.js'
import type { UserChange } from '../user.js'
import { blamed } from './blame.js'
import { methodsOf } from './methods.js'
import { checkFurka } from './needs.js'
import { furkaOptions } from './options.js'
import { report } from './report.js'
import type { OwnStatus } from './status.js'
import { logFigures, summaryOf } from './summary.js'

/** What it is started with besides the configuration. */
export interface FurkaStart {
  /** Whose files are from the start on. Undefined: who was it last, or whom the configuration names. */
  readonly user: UserChange | undefined
  /** Other sources and targets, as `-d` gives them. A restart keeps them. */
  readonly detectors: readonly string[]
}

/**
 * Begins at once.
 * @throws SustenError `ERR_SUSTEN_OPTION`: what it is started with doesn't go with the configuration
 */
export function runFurka(loaded: LoadedFurkaConfig, start: FurkaStart, options: DaemonOptions): Daemon {
  const { form, notes } = loaded
  const config = changeDetectors(loaded.config, start.detectors.map(parseDetector))
  const { controlSocket, logfile } = spellingOf(form)
  return runDaemon(
    {
      name: 'Furka',
      places: config,
      keys: { controlSocket, logfile },
      notes,
      check: () => checkFurka(loaded, start.detectors),
      words: start.detectors,
    },
    options,
    (inside) => service({ ...loaded, config }, start, inside),
  )
}

function service(loaded: LoadedFurkaConfig, { user, detectors }: FurkaStart, inside: DaemonInside) {
  let furka: Furka | undefined

  function status(): OwnStatus {
    return { detectors, ...(furka === undefined ? {} : { furka: furka.status() }) }
  }

  async function open(log: Log): Promise<RunningService> {
    const opening = await Furka.open({ ...furkaOptions(loaded.config, user), signal: inside.starting }).catch(
      (error: unknown) => {
        throw blamed(loaded, error)
      },
    )
    furka = opening
    const current = () => opening.status()
    // Ended later than the Furka, so that the last figures have all.
    inside.opened({ name: 'figures', close: logFigures(current, log) })
    inside.moves('Furka', opening)
    report(opening, log, inside.fail)
    const { uid, gid, userDirectory } = current().user
    return {
      fields: { journal: loaded.config.journalDirectory, uid, gid, userDirectory },
      // That its event loop turns is enough: what stands still at a detector, or at Grimsel, no restart would help.
      makesProgress: () => true,
      summary: () => summaryOf(current()),
    }
  }

  const methods = methodsOf({ furka: () => inside.running(furka), note: inside.note })
  return { methods, status, open }
}
