/** Reads a configuration file in either form: the vendor's lines, or JSON. */
import type { PathInput } from '../bytes.js'
import { readConf } from './conf.js'
import { readJsonConfig } from './json.js'
import { gatherProblems, type Problems } from './problems.js'
import type { Grammar, RawConfig } from './raw.js'
import { decodeConfig, nameOfFile, readConfigFile } from './read-file.js'
import type { Loaded } from './types.js'

/** A program's configuration: its words, and what they mean. */
export interface Language<C> extends Grammar {
  /** @throws SustenError `ERR_SUSTEN_CONFIG` with all that is wrong */
  complete(raw: RawConfig, problems: Problems): C
}

/**
 * Reads a configuration file.
 * @throws SustenError the system's error if the file can't be read; `ERR_SUSTEN_CONFIG` if anything in it is wrong: all
 *   of that is in `failures`, each with `path`, `position` and a message that says what is allowed
 */
export async function loadFile<C>(file: PathInput, language: Language<C>): Promise<Loaded<C>> {
  const name = nameOfFile(file)
  const problems = gatherProblems(name, language.program)
  return parse(await readConfigFile(file, problems), name, language, problems)
}

/**
 * Reads a configuration's bytes.
 * @param name The file's name, for messages, and for its form: `.json`, or whatever begins with a brace, is JSON.
 * @throws SustenError `ERR_SUSTEN_CONFIG`
 */
export function parseBytes<C>(bytes: Uint8Array, name: string, language: Language<C>): Loaded<C> {
  return parse(bytes, name, language, gatherProblems(name, language.program))
}

function parse<C>(bytes: Uint8Array, name: string, language: Language<C>, problems: Problems): Loaded<C> {
  const text = decodeConfig(bytes, problems)
  const isJson = name.endsWith('.json') || /^\s*\{/.test(text)
  const raw = isJson ? readJsonConfig(text, language, problems) : readConf(text, language, problems)
  return { form: raw.form, config: language.complete(raw, problems), notes: problems.notes() }
}
