import type { StoragePolicy } from './policy.js'

/**
 * As `grimsel()`, but a tier that fills gives back first what was not read for longest. The buffer must keep access
 * times: mounted with `noatime`, the order is that of the last modification.
 */
export function leastRecentlyRead(): StoragePolicy {
  return {
    name: 'leastRecentlyRead',
    byAccess: true,
    release: ({ accessed }, { createLinks }) => ({
      when: 'full',
      by: createLinks ? 'link' : 'delete',
      order: accessed,
    }),
    shiftEnd: () => 'clear',
  }
}
