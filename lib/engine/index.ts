/** The engine: promises, abort signals and back-pressure over the addon. See docs/ENGINE.md. */
export { abortError } from './abort.js'
export type {
  CopyFilesOptions,
  CopyTreeJobOptions,
  Engine,
  EngineOptions,
  ReceiveJob,
  ReceiveOptions,
  ReleaseOptions,
  ReleaseResults,
  TreeFilter,
  WalkEntries,
} from './engine.js'
export { openEngine } from './open.js'
export type { Volume } from './volume.js'
