import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const root = fileURLToPath(new URL('..', import.meta.url))

/** The C library, from the C library itself: a look at files is wrong on systems that have two. */
function libc(): 'glibc' | 'musl' {
  const report = process.report as typeof process.report & { excludeNetwork?: boolean }
  const { excludeNetwork = false } = report
  report.excludeNetwork = true // listing the network's interfaces can take seconds
  const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } }
  report.excludeNetwork = excludeNetwork
  return header.glibcVersionRuntime === undefined ? 'musl' : 'glibc'
}

/** Where the addon for this platform is in a published package: one binary for all versions of Node. */
export function prebuildPath(): string {
  return `${root}prebuilds/${process.platform}-${process.arch}-${libc()}/susten.node`
}

/** Where the addon may be. What a build tool left on this machine goes before what was shipped. */
function* places(): Generator<string> {
  yield `${root}build/cmake/susten.node`
  yield `${root}build/Release/susten.node`
  yield prebuildPath()
}

/** Loads the shipped addon or throws. */
export function loadPrebuild(): unknown {
  return require(prebuildPath()) as unknown
}

/**
 * Loads the native addon: the one that was built here, else the shipped one. The environment variable `SUSTEN_ADDON`
 * (a path) takes another build instead, such as one with a sanitizer.
 *
 * Throws what loading throws (`ERR_DLOPEN_FAILED` for a binary of another platform), except that a missing file leads
 * on to the next place. If there is none, the error's code is `ERR_SUSTEN_NOT_BUILT`.
 */
export function loadAddon(): unknown {
  const chosen = process.env['SUSTEN_ADDON']
  if (chosen !== undefined && chosen !== '') return require(chosen) as unknown
  for (const place of places()) {
    try {
      return require(place) as unknown
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  const message = `susten's native addon is not there. Build it with: npm --prefix '${root}' run build:native
Looked for:\n${[...places()].map((place) => `  ${place}`).join('\n')}`
  throw Object.assign(new Error(message), { code: 'ERR_SUSTEN_NOT_BUILT' })
}
