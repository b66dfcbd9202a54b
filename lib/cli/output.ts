/** Writes to a stream as fast as its reader takes it, and stops quietly when the reader has gone. */
import type { Writable } from 'node:stream'

/** Characters gathered before they are written. */
const CHUNK = 64 * 1024

export interface Output {
  /** Resolves when more may be written. False: nobody reads any more, so that going on is useless. */
  write(text: string): Promise<boolean>
  /** Resolves when everything is written. Rejects if something could not be. */
  end(): Promise<void>
}

export function outputTo(stream: Writable): Output {
  let gathered = ''
  let isGone = false
  let failure: Error | undefined
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') isGone = true
    else failure ??= error
  })

  async function flush(): Promise<void> {
    const text = gathered
    gathered = ''
    if (text === '' || isGone || failure !== undefined) return
    // An error comes by 'error' too, after the callback.
    await new Promise<void>((resolve) => stream.write(text, () => setImmediate(resolve)))
    if (failure !== undefined) throw failure
  }

  return {
    async write(text) {
      gathered += text
      if (gathered.length >= CHUNK) await flush()
      return !isGone
    },
    end: flush,
  }
}
