/** A user as Grimsel takes one: no directory is none, not an empty one. */
import type { User } from '../../grimsel/index.js'
import type { FurkaUser } from '../user.js'

export const userOf = ({ uid, gid, userDirectory }: FurkaUser): User =>
  userDirectory === '' ? { uid, gid } : { uid, gid, userDirectory }
