export { createEmitter, type Emitter, type EventMap, type Listener } from './emitter.js'
export { createStreams, type Lost, type Streams } from './stream.js'
