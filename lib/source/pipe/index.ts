/** The file pipe. */
export type { BadLines } from './lines.js'
export type { FifoKeeper, PipeMessage, PipeOptions } from './options.js'
export { type FilePipe, openPipe } from './pipe.js'
