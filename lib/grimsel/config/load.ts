/** Reads a configuration in either form. */
import type { PathInput } from '../../bytes.js'
import { completeConfig } from './complete.js'
import { readConf } from './conf.js'
import { readJsonConfig } from './json.js'
import { globalKeys, storageKeys } from './keys.js'
import { gatherProblems, type Problems } from './problems.js'
import { decodeConfig, nameOfFile, readConfigFile } from './read-file.js'
import type { LoadedConfig } from './types.js'

const known = [...Object.keys(globalKeys), ...Object.keys(storageKeys)]

/**
 * Reads Grimsel's configuration file: the vendor's form or JSON.
 * @throws SustenError the system's error if the file can't be read; `ERR_SUSTEN_CONFIG` if anything in it is wrong: all
 *   of that is in `failures`, each with `path`, `position` and a message that says what is allowed
 */
export async function loadConfig(file: PathInput): Promise<LoadedConfig> {
  const name = nameOfFile(file)
  const problems = gatherProblems(name)
  return parse(await readConfigFile(file, problems), name, problems)
}

/**
 * Reads a configuration's bytes.
 * @param name The file's name, for messages, and for its form: `.json`, or whatever begins with a brace, is JSON.
 * @throws SustenError `ERR_SUSTEN_CONFIG`
 */
export function parseConfig(bytes: Uint8Array, name: string): LoadedConfig {
  return parse(bytes, name, gatherProblems(name))
}

function parse(bytes: Uint8Array, name: string, problems: Problems): LoadedConfig {
  const text = decodeConfig(bytes, problems)
  const isJson = name.endsWith('.json') || /^\s*\{/.test(text)
  const raw = isJson ? readJsonConfig(text, problems) : readConf(text, known, problems)
  return { config: completeConfig(raw, problems), notes: problems.notes() }
}
