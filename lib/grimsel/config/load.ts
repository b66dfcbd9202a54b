/** Reads a configuration in either form. */
import type { PathInput } from '../../bytes.js'
import { type Language, loadFile, parseBytes } from '../../config/index.js'
import { completeConfig } from './complete.js'
import { globalKeys, storageKeys } from './keys.js'
import type { GrimselConfig, LoadedConfig } from './types.js'

const language: Language<GrimselConfig> = {
  program: 'Grimsel',
  section: 'storageID',
  list: 'storages',
  keys: [...Object.keys(globalKeys), ...Object.keys(storageKeys)],
  foreign: { section: 'detectorID', program: 'Furka' },
  complete: completeConfig,
}

/**
 * Reads Grimsel's configuration file: the vendor's form or JSON.
 * @throws SustenError the system's error if the file can't be read; `ERR_SUSTEN_CONFIG` if anything in it is wrong: all
 *   of that is in `failures`, each with `path`, `position` and a message that says what is allowed
 */
export async function loadConfig(file: PathInput): Promise<LoadedConfig> {
  return loadFile(file, language)
}

/**
 * Reads a configuration's bytes.
 * @param name The file's name, for messages, and for its form: `.json`, or whatever begins with a brace, is JSON.
 * @throws SustenError `ERR_SUSTEN_CONFIG`
 */
export function parseConfig(bytes: Uint8Array, name: string): LoadedConfig {
  return parseBytes(bytes, name, language)
}
