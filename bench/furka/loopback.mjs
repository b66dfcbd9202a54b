/** A loopback of its own: the same on every machine. */
import { system } from '../scratch.mjs'
import { cubic, obstacle, openNamespaces } from './namespaces.mjs'

/** Without the privilege it is the machine's. @returns {{ within: string[], description: string, close: () => void }} */
export function openLoopback() {
  if (obstacle()) return { within: [], description: "the machine's own loopback", close: () => {} }
  const { spaces, close } = openNamespaces('loopback')
  const [space] = /** @type {[import('./namespaces.mjs').Namespace]} */ (spaces)
  try {
    const route = ['local', '127.0.0.0/8', 'dev', 'lo', 'table', 'local', ...cubic]
    system('ip', '-n', space.name, 'route', 'replace', ...route)
  } catch (error) {
    close()
    throw error
  }
  return { within: space.enter, description: 'the loopback of a network namespace, cubic', close }
}
