import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** Loads the native addon from the places where it may have been built. */
export function loadAddon(): unknown {
  return require('../build/cmake/susten.node') as unknown
}
