/** Configurations of Furka, for tests. */
import { parseConfig } from '#lib/furka/config/index.js'
import { configTools } from './config.js'

/** The least that is a configuration, in both forms. */
export const least = 'detectorID 1MF\nremoteIP 10.0.0.1\n'
export const leastJson = (): Record<string, unknown> => ({ EIGER_HOST: '10.42.41.10' })

export const { parse, notesOf, errorsOf, refusalOf } = configTools(parseConfig, 'furka.conf')

/** The JSON form. */
export const parseJson = (more: Record<string, unknown> = {}): ReturnType<typeof parse> =>
  parse(JSON.stringify({ ...leastJson(), ...more }))
