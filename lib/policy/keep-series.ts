import { grimsel } from './grimsel.js'
import type { StoragePolicy } from './policy.js'

/**
 * Files that match stay on all tiers, at a shift's end too; all others are as in another policy.
 * @param match A part of the path below the source, a pattern for it, or a function of it. A pattern with the flag `g`
 * or `y` is matched from the start each time.
 * @param others For all other files, and for everything but release. Default `grimsel()`.
 */
export function keepSeries(
  match: string | RegExp | ((path: string) => boolean),
  others: StoragePolicy = grimsel(),
): StoragePolicy {
  const isKept = matcher(match)
  return {
    ...others,
    name: `keepSeries, ${others.name}`,
    release(file, tier) {
      if (isKept(file.path)) return { when: 'never' }
      return others.release?.(file, tier) ?? { when: 'never' }
    },
  }
}

function matcher(match: string | RegExp | ((path: string) => boolean)): (path: string) => boolean {
  if (typeof match === 'function') return match
  if (typeof match === 'string') return (path) => path.includes(match)
  // Without a memory of where the last match ended.
  const pattern = new RegExp(match.source, match.flags.replace(/[gy]/g, ''))
  return (path) => pattern.test(path)
}
