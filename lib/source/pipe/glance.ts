/** Looks at what a pipe holds without taking it. */
import { closeSync, readSync } from 'node:fs'
import { fromThrown } from '../../errors.js'
import { native } from '../../native.js'

export interface Glance {
  /**
   * Copies what is at the head of a pipe into a buffer; all of it stays where it is.
   * @param fd A reading end.
   * @returns how many bytes; 0: there are none. Fewer than there are and than the buffer takes only where the pipe holds
   *   them in more parts than a pipe of the usual size can hold.
   * @throws SustenError what the system says
   */
  at(fd: number, buffer: Buffer): number
  close(): void
}

/** A pipe can't be read without taking what is read. So its pages are linked into a pipe of our own, which is read. */
export function openGlance(): Glance {
  const { reader, writer } = makePipe()
  return {
    at(fd, buffer) {
      const size = native.teePipe(fd, writer, buffer.length)
      for (let at = 0; at < size; ) at += readSync(reader, buffer, at, size - at, null)
      return size
    },
    close() {
      closeSync(reader)
      closeSync(writer)
    },
  }
}

function makePipe(): ReturnType<typeof native.makePipe> {
  try {
    return native.makePipe()
  } catch (error) {
    throw fromThrown(error)
  }
}
