export { keepAll } from './keep-all.js'
export type {
  PolicyAttempt,
  PolicyCopiedFile,
  PolicyFile,
  PolicyShift,
  PolicyStorage,
  PolicyTier,
  Release,
  StoragePolicy,
} from './policy.js'
