/** Grimsel's configuration: `/etc/grimsel_dectris.conf`, or JSON with the same names. */
export { loadConfig, parseConfig } from './load.js'
export type { GrimselConfig, GrimselStorage, LoadedConfig } from './types.js'
