/** The log of a daemon. */
export { type Fields, type Log, type LogOptions, openLog } from './log.js'
