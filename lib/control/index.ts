/** The control socket: a daemon is asked and told what to do by who may, on its own machine. */
export { type CallOptions, callControl, watchControl } from './client.js'
export { type JsonText, jsonText } from './json-text.js'
export type { CallContext, Method } from './methods.js'
export { type ControlClient, openControlClient } from './open-client.js'
export type { Allow, Peer } from './peer.js'
export { type Control, type ControlOptions, openControl } from './server.js'
