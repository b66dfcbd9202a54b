/** Files of detector servers that speak the SIMPLON API. */
export type { SimplonOptions } from './options.js'
export { openSimplon } from './simplon.js'
