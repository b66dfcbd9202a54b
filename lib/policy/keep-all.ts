import type { StoragePolicy } from './policy.js'

/** Every file goes to every storage and stays everywhere; failures follow the `retry` options. Mirror's default. */
export function keepAll(): StoragePolicy {
  return { name: 'keepAll' }
}
