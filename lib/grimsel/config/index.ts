/** Grimsel's configuration: `/etc/grimsel_dectris.conf`, or JSON with the same names. */
export { loadConfig, parseConfig } from './load.js'
export { printable } from './printable.js'
export type { ConfigNote, GrimselConfig, GrimselStorage, LoadedConfig } from './types.js'
