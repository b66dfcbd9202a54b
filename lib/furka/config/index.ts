/** Furka's configuration: `/etc/furka_dectris.json` as FURKA-EPU has it, or `/etc/furka_dectris.conf` as the PPU's has it. */
export { clashesOf, plainWords } from './clashes.js'
export { frozen } from './frozen.js'
export { spellingOf } from './keys.js'
export { loadConfig, parseConfig } from './load.js'
export type {
  DirectorySource,
  FilewriterSource,
  FurkaConfig,
  FurkaDetector,
  FurkaSource,
  GrimselLink,
  LoadedFurkaConfig,
  RsyncSource,
} from './types.js'
