export { createEmitter, type Emitter, type Listener } from './emitter.js'
export { createStreams, type Lost, type Streams } from './stream.js'
export { createTelling, type Telling } from './telling.js'
