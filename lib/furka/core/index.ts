/** Furka's decisions: pure and deterministic. */
export type { Command, JournalOp, Notice, Order, Saying } from './commands.js'
export { createState, decide } from './decide.js'
export type { Answer, CoreEvent } from './events.js'
export { fileKeys } from './files.js'
export type { Failure, FileRecord, Here, Offer, Turn } from './record.js'
export type { CoreConfig, State, Stored } from './state.js'
export { countsOf, isDrained, isIdle } from './status.js'
export { isTold, runningTurn, turnsKey } from './turns.js'
