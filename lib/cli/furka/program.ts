/** Furka as a daemon. */
import type { FurkaConfig } from '../../furka/config/index.js'
import type { DaemonStatus } from '../../furka/daemon/index.js'
import type { DaemonProgram } from '../daemon/program.js'
import { detectorsIn, startHelp, startOf, startOptions, startWords } from './given.js'
import { place } from './place.js'
import { statusText } from './status-text.js'

export const program: DaemonProgram<FurkaConfig, DaemonStatus> = {
  name: 'furka',
  entry: new URL('../furka.js', import.meta.url),
  place,
  extra: {
    usage: ' [-u [UID]:[GID]:[DIRECTORY]] [-d ID:[SOURCE]:[TARGET]]…',
    help: startHelp,
    options: startOptions,
    words: startWords,
    instead: "'furka user -u …' changes the user",
  },
  restartHelp: `The user stays who it is, and what -d said at the start still counts, unless something
else is given.`,
  async check(loaded, words) {
    const { checkFurka } = await import('../../furka/daemon/index.js')
    await checkFurka(loaded, detectorsIn(words))
  },
  hold: () => () => {},
  async begin(loaded, args, options) {
    const { runFurka } = await import('../../furka/daemon/index.js')
    return runFurka(loaded, startOf(args), options)
  },
  statusText,
}
