/** Grimsel's status and message port: newline-delimited JSON over TCP. The protocols: docs/PROTOCOLS.md. */
export { type MessageName, messageCodes } from './codes.js'
export type { Port, PortOptions } from './listen.js'
export {
  type CopyPaths,
  type Message,
  type MessagePortOptions,
  type MessagePublisher,
  openMessagePort,
} from './message-port.js'
export type { StatusEntry, StatusShifts } from './snapshots.js'
export { openStatusPort, type StatusPortOptions } from './status-port.js'
