/** Users: what `-u` says, and whose directory is which. */
export {
  type BaseUser,
  largestId,
  parseUser,
  resolveUser,
  type UserChange,
  type WholeUser,
} from './user.js'
export { plainUserDirectory } from './user-directory.js'
