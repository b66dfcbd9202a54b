/** The log of a daemon. */
export { type Fields, type Log, type LogOptions, levelOf, openLog } from './log.js'
