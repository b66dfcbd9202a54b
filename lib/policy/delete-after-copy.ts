import type { StoragePolicy } from './policy.js'

/** Every tier gives a file back as soon as it is durable on the next one, without a link. For tiers that are a mere passage. */
export function deleteAfterCopy(): StoragePolicy {
  return {
    name: 'deleteAfterCopy',
    release: () => ({ when: 'copied', by: 'delete' }),
    shiftEnd: () => 'clear',
  }
}
