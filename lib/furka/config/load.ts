/** Reads a configuration in either form. */
import type { PathInput } from '../../bytes.js'
import { type Language, loadFile, type Problems, parseBytes, type RawConfig } from '../../config/index.js'
import { completeEpu } from './epu.js'
import { frozen } from './frozen.js'
import { detectorSpelling, ppuSpelling } from './keys.js'
import { completePpu } from './ppu.js'
import type { FurkaConfig, LoadedFurkaConfig } from './types.js'

const language: Language<FurkaConfig> = {
  program: 'Furka',
  section: detectorSpelling.id,
  list: undefined,
  keys: [...Object.values(ppuSpelling), ...Object.values(detectorSpelling)],
  foreign: { section: 'storageID', program: 'Grimsel' },
  complete: (raw: RawConfig, problems: Problems) =>
    frozen(raw.form === 'json' ? completeEpu(raw, problems) : completePpu(raw, problems)),
}

/**
 * Reads Furka's configuration file: FURKA-EPU's JSON, or the PPU's lines.
 * @throws SustenError the system's error if the file can't be read; `ERR_SUSTEN_CONFIG` if anything in it is wrong: all
 *   of that is in `failures`, each with `path`, `position` and a message that says what is allowed
 */
export async function loadConfig(file: PathInput): Promise<LoadedFurkaConfig> {
  return loadFile(file, language)
}

/**
 * Reads a configuration's bytes.
 * @param name The file's name, for messages, and for its form: `.json`, or whatever begins with a brace, is JSON.
 * @throws SustenError `ERR_SUSTEN_CONFIG`
 */
export function parseConfig(bytes: Uint8Array, name: string): LoadedFurkaConfig {
  return parseBytes(bytes, name, language)
}
