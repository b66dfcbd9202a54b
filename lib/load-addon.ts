import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** Where the addon may be, best first: built here by CMake or by node-gyp, then as shipped. */
const places = (): string[] => [
  '../build/cmake/susten.node',
  '../build/Release/susten.node',
  `../prebuilds/linux-${process.arch}/susten.node`,
]

/**
 * Loads the native addon. `SUSTEN_ADDON` (a path) takes another build, such as one with a sanitizer.
 * Anything but a missing file is thrown as it is.
 */
export function loadAddon(): unknown {
  const chosen = process.env['SUSTEN_ADDON']
  if (chosen) return require(chosen) as unknown
  for (const place of places()) {
    try {
      return require(place) as unknown
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  throw new Error("susten's native addon is not built. Run: npm run build:native")
}
