import type { StoragePolicy } from './policy.js'

/**
 * A tier that fills gives back its oldest files, by links or by deleting as the site wants it; an ended shift's files
 * leave every tier. Grimsel's default.
 */
export function grimsel(): StoragePolicy {
  return {
    name: 'grimsel',
    release: (_, { createLinks }) => ({ when: 'full', by: createLinks ? 'link' : 'delete' }),
    shiftEnd: () => 'clear',
  }
}
