/** Directories that others may write to, reached without being led astray: each step through the one above, never a link. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type ByteString, bufferOfBytes } from '../../bytes.js'

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants

/** A name in an open directory, as a path: it leads there wherever that directory is by now. */
export const nameIn = ({ fd }: Pick<FileHandle, 'fd'>, name: string): Buffer =>
  bufferOfBytes(`/proc/self/fd/${fd}/${name}` as ByteString)

/** An open directory, as a path for the engine. */
export const pathOf = ({ fd }: Pick<FileHandle, 'fd'>): ByteString => `/proc/self/fd/${fd}` as ByteString

/** Opens a directory; its last part must not be a link. */
export const openDirectory = (path: Buffer): Promise<FileHandle> => open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)

/** Opens a directory below another. @param below Empty for that one itself. */
export async function openBeneath(root: ByteString, below: string): Promise<FileHandle> {
  // The root itself is the operator's: it may be a link.
  let directory = await open(bufferOfBytes(root), O_RDONLY | O_DIRECTORY)
  for (const name of below === '' ? [] : below.split('/')) {
    const above = directory
    try {
      directory = await openDirectory(nameIn(above, name))
    } finally {
      await above.close()
    }
  }
  return directory
}

/** Opens a file to read; never a link, and without waiting for whatever it is. */
export const openFile = (directory: FileHandle, name: string): Promise<FileHandle> =>
  open(nameIn(directory, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
