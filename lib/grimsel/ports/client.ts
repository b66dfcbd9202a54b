/** One client's connection: sending it lines, and getting rid of it. */
import type { Socket } from 'node:net'

/** Milliseconds that a client has to take what was sent last. */
const farewell = 1000

/**
 * Why a client is refused:
 *
 * | code | meaning |
 * |---|---|
 * | `BAD_REQUEST` | what it sent is no request |
 * | `TOO_LONG` | a line is longer than it may be |
 * | `TIMEOUT` | it sent no request for too long |
 * | `BUSY` | there are as many clients as there may be, and a new one, or one that makes room for it, has no place |
 * | `FAILED` | the answer could not be found out |
 */
export type RefusalCode = 'BAD_REQUEST' | 'TOO_LONG' | 'TIMEOUT' | 'BUSY' | 'FAILED'

export const line = (value: object): string => `${JSON.stringify(value)}\n`

/** Sends a line, unless the connection is over. */
export function send(socket: Socket, value: object): void {
  if (socket.writable) socket.write(line(value))
}

export const refusal = (code: RefusalCode, message: string): string => line({ type: 'error', code, message })

/** Tells a client why it is refused, and ends the connection. */
export function refuse(socket: Socket, code: RefusalCode, message: string): void {
  if (socket.writable) socket.write(refusal(code, message))
  dismiss(socket)
}

/**
 * Ends a connection once what was sent is taken, or after a second. What still comes in is dropped unseen: closing
 * without reading it would make the system throw away what was sent.
 */
export function dismiss(socket: Socket): void {
  if (socket.destroyed || socket.writableEnded) return
  socket.removeAllListeners('data')
  socket.resume()
  socket.end()
  const timer = setTimeout(() => socket.destroy(), farewell)
  socket.once('close', () => clearTimeout(timer))
}

/** Resolves once a client has taken what was sent to it, or is gone; who takes nothing for too long is cut off. */
export function drained(socket: Socket, timeout: number): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed || !socket.writableNeedDrain) return resolve()
    const timer = setTimeout(() => socket.destroy(), timeout)
    const done = (): void => {
      clearTimeout(timer)
      socket.off('drain', done)
      socket.off('close', done)
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
  })
}
