/** `-u` and `-d`. */
import { readWords, wordsFileOf } from '../../daemon/index.js'
import { SustenError } from '../../errors.js'
import type { FurkaConfig } from '../../furka/config/index.js'
import type { FurkaStart } from '../../furka/daemon/index.js'
import { changeDetectors, parseDetector } from '../../furka/detectors.js'
import { parseUser, type UserChange } from '../../furka/user.js'
import { type Arguments, UsageError } from '../command.js'

export const userOption = { user: { type: 'string', short: 'u' } } as const
export const startOptions = { ...userOption, detector: { type: 'string', short: 'd', multiple: true } } as const

export const userHelp = `  -u, --user [UID]:[GID]:[DIRECTORY]
                      whose files are from now on; what is left out is as configured
`
export const startHelp = `${userHelp}  -d, --detector ID:[SOURCE]:[TARGET]
                      another source or target of a detector; may be given again
`

/** @throws UsageError */
export const userOf = ({ values }: Arguments): UserChange | undefined =>
  values['user'] === undefined ? undefined : asUsage(() => parseUser(String(values['user'])))

/** @throws UsageError */
export const startOf = (args: Arguments): FurkaStart => ({
  user: userOf(args),
  detectors: args.lists['detector'] ?? [],
})

/**
 * What is given, for `furka run`, if it goes with the configuration.
 * @param isRestart Without `-d`, those count with which the daemon was started that runs, or has died.
 * @throws UsageError
 */
export function startWords(config: FurkaConfig, args: Arguments, isRestart: boolean): readonly string[] {
  const { user, detectors } = startOf(args)
  const isKept = isRestart && detectors.length === 0
  const chosen = isKept ? readWords(wordsFileOf(config.controlSocket)) : detectors
  const hint = isKept ? "; it was started with that: use 'furka stop' and 'furka start' to begin without" : ''
  asUsage(() => changeDetectors(config, chosen.map(parseDetector)), hint)
  return [
    ...(user === undefined ? [] : [`--user=${args.values['user']}`]),
    ...chosen.map((detector) => `${detectorWord}${detector}`),
  ]
}

const detectorWord = '--detector='

/** Those of {@link startWords}. */
export const detectorsIn = (words: readonly string[]): readonly string[] =>
  words.filter((word) => word.startsWith(detectorWord)).map((word) => word.slice(detectorWord.length))

function asUsage<T>(read: () => T, hint = ''): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof SustenError)) throw error
    throw new UsageError(`${error.message}${hint}`, { cause: error })
  }
}
