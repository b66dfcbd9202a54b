/** A simulated detector server. */
export type { Fault, FaultArea, FaultEffect, FaultKind, FaultScope } from './fault-types.js'
export type { DroppedFile, FileState, ServedFile } from './files.js'
export { hostileNames } from './hostile.js'
export { createMaker, type Maker } from './maker.js'
export { readScript, runScript, type ScriptAction, type ScriptStep } from './script.js'
export { simulateDcu } from './simulate-dcu.js'
export type {
  AcquireOptions,
  AddOptions,
  Dcu,
  DcuEvents,
  DcuOptions,
  FaultHandle,
  RestartOptions,
  ServedRequest,
  Truth,
} from './types.js'
export { type ApiVersion, apiVersions } from './versions.js'
