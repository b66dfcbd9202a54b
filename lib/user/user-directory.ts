/** The directory that a user's files go to, below a target or a buffer. */
import { bytesOfText } from '../bytes.js'
import { type Refusal, refusal } from '../config/index.js'
import { ownNames } from '../paths.js'

/** Longest in bytes: with a target before it and a file's name behind, it is still a path. */
const LONGEST = 1024

/** Longest name in a directory, in bytes. */
const LONGEST_NAME = 255

/** What stands for a user's numbers. */
const PLACEHOLDER = /\$[UG]ID/g

/**
 * A user directory in its plainest form, `$UID` and `$GID` left as they are.
 * @returns Empty for none (nothing, or `.`); why it can't be taken, as the end of a sentence
 */
export function plainUserDirectory(text: string): string | Refusal {
  if (text.startsWith('/')) {
    return refusal("must be relative; leave out the '/' at its beginning")
  }
  if (/[\p{Cc}\p{Cs}]/u.test(text)) return refusal('must have no control characters, nor halves of characters')
  const names = text.split('/').filter((name) => name !== '' && name !== '.')
  if (names.includes('..')) return refusal("must have no '..'")
  if (text.replaceAll(PLACEHOLDER, '').includes('$')) return refusal("must have no '$' but in $UID and $GID")
  if (names.some((name) => name.startsWith(ownNames))) {
    return refusal(`must have no name that begins with '${ownNames}', as this program's own temporary files do`)
  }
  const path = names.join('/')
  // Numbers may be longer than what stands for them.
  const longest = path.replaceAll(PLACEHOLDER, '4294967294')
  if (bytesOfText(longest).length > LONGEST) return refusal(`must be at most ${LONGEST} bytes long`)
  if (longest.split('/').some((name) => bytesOfText(name).length > LONGEST_NAME)) {
    return refusal(`must have no name of more than ${LONGEST_NAME} bytes`)
  }
  return path
}

/** Puts a user's numbers where `$UID` and `$GID` stand. */
export function expandUserDirectory(directory: string, { uid, gid }: { uid: number; gid: number }): string {
  return directory.replaceAll('$UID', String(uid)).replaceAll('$GID', String(gid))
}
