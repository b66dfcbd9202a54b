/** Configurations of Grimsel, for tests. */
import { parseConfig } from '#lib/grimsel/config/index.js'
import { configTools } from './config.js'

/** The least that is a configuration. */
export const least = 'storageID disk\ntype INTERNAL\ntarget /data\n'

export const leastJson = (): Record<string, unknown> => ({
  storages: [{ storageID: 'disk', type: 'INTERNAL', target: '/data' }],
})

export const { parse, notesOf, errorsOf, refusalOf } = configTools(parseConfig, 'grimsel.conf')
