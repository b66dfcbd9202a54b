/** Files come in: by the engine where they can, through this thread where they must. */
export { createReceiver, type Receiver } from './receiver.js'
export { createStaging, type Staging } from './staging.js'
