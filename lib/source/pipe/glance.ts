/** Looks at what a pipe holds without taking it, and takes off as much of it as is done with. */
import { closeSync, openSync, readSync } from 'node:fs'
import { bytesOfText } from '../../bytes.js'
import { fromSystem, fromThrown } from '../../errors.js'
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
  /**
   * Takes so many bytes off the head of a pipe, and not one more: reading them would take the rest of a packet
   * (`O_DIRECT`), too. Fewer, where somebody else has taken some.
   * @throws SustenError what the system says
   */
  drop(fd: number, size: number): void
  close(): void
}

/** A pipe can't be read without taking what is read. So its pages are linked into a pipe of our own, which is read. */
export function openGlance(): Glance {
  const nowhere = openNowhere()
  const { reader, writer } = makePipe(nowhere)
  return {
    at(fd, buffer) {
      const size = native.teePipe(fd, writer, buffer.length)
      for (let at = 0; at < size; ) at += readSync(reader, buffer, at, size - at, null)
      return size
    },
    drop(fd, size) {
      native.dropBytes(fd, nowhere, size)
    },
    close() {
      closeSync(reader)
      closeSync(writer)
      closeSync(nowhere)
    },
  }
}

function openNowhere(): number {
  try {
    return openSync('/dev/null', 'w')
  } catch (error) {
    throw fromSystem(error, bytesOfText('/dev/null'))
  }
}

/** @param other Closed if it fails. */
function makePipe(other: number): ReturnType<typeof native.makePipe> {
  try {
    return native.makePipe()
  } catch (error) {
    closeSync(other)
    throw fromThrown(error)
  }
}
