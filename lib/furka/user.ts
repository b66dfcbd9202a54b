/** Whose the received files are. */
export {
  /** A user as a configuration names one; the user directory is below each target. */
  type BaseUser as ConfiguredUser,
  largestId,
  parseUser,
  resolveUser,
  type UserChange,
  /** A user, nothing left open; the user directory is below each target. */
  type WholeUser as FurkaUser,
} from '../user/index.js'
