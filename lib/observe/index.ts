export type { Emitter, Listener } from './emitter.js'
export type { Lost, Streams } from './stream.js'
export { createTelling, type Telling } from './telling.js'
