/** What all daemons have in common: how they start and end, and what they can be asked. */
export { asOf, blamedOn, inFile } from './blame.js'
export { type Daemon, type DaemonInside, type DaemonOptions, type RunningService, runDaemon } from './daemon.js'
export { pidFileOf, readPidFile, readWords, wordsFileOf } from './files.js'
export { checkNeeds, type NeededDirectory } from './needs.js'
export { namesOf } from './params.js'
export type { DaemonBasics, Phase } from './status.js'
