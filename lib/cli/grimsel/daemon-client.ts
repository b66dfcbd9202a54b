/** Calls to Grimsel. */
import { daemonClient } from '../daemon/client.js'

export const { ask, follow } = daemonClient('grimsel')
