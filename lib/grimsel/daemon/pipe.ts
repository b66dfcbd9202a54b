/** The daemon's file pipe: what others write there is announced, or noted as wrong. */

import { type ByteString, bufferOfBytes, textOfBytes } from '../../bytes.js'
import { counted } from '../../counted.js'
import type { Log } from '../../log/index.js'
import { type FifoKeeper, type FilePipe, openPipe } from '../../source/index.js'
import type { DescriptorStore } from '../../systemd/index.js'
import type { RefusedPath } from './announce.js'

export interface DaemonPipe {
  readonly file: FilePipe
  /** Paths that were refused. */
  readonly refused: number
}

/** What the pipe is called by the supervisor that keeps it. */
const storedAs = 'file-pipe'

/**
 * The supervisor holds the pipe open: over restarts and failures, and where it can over a stop.
 * @param isFailing Whether the process ends since it can't go on: it is started again.
 */
export function keeperOf(store: DescriptorStore | undefined, isFailing: () => boolean): FifoKeeper | undefined {
  if (store === undefined) return undefined
  return {
    take: () => store.take(storedAs),
    keep: (fd) => store.put(storedAs, fd),
    release: () => store.remove(storedAs),
    isNext: async () => isFailing() || (await store.lasts()),
  }
}

/**
 * @param announce Resolves once the paths are journaled, to those that were refused.
 * @param keeper Holds the pipe open beside the daemon.
 */
export async function openDaemonPipe(
  path: string,
  announce: (paths: readonly ByteString[]) => Promise<readonly RefusedPath[]>,
  log: Log,
  keeper: FifoKeeper | undefined,
): Promise<DaemonPipe> {
  let count = 0

  async function onPaths(paths: readonly ByteString[]): Promise<void> {
    let refused: readonly RefusedPath[]
    try {
      refused = await announce(paths)
    } catch (error) {
      // They can't be journaled, and go with the pipe if nobody holds it open: the log is the last place that may know them.
      const lost = paths.map(bytesForLog)
      log.error(
        { event: 'unannounced', paths: lost, err: error },
        `${counted(paths.length, 'path')} could not be announced`,
      )
      throw error
    }
    const [first] = refused
    if (first === undefined) return
    count += refused.length
    log.warn(
      { event: 'refused', count: refused.length, path: textOfBytes(first.path), err: first.error },
      `${counted(refused.length, 'announced path was', 'announced paths were')} refused`,
    )
  }

  const file = await openPipe({
    path,
    ...(keeper === undefined ? {} : { keeper }),
    onPaths,
    onBad({ reason, count: lines, text }) {
      log.warn(
        { event: 'bad-lines', reason, count: lines, text },
        counted(lines, 'line in the file pipe is no path', 'lines in the file pipe are no paths'),
      )
    },
    onMessage({ type, ...message }) {
      const { error, ...rest } = 'error' in message ? message : { ...message, error: undefined }
      log.warn({ event: 'pipe', what: type, ...rest, err: error }, `the file pipe: ${type}`)
    },
  })
  return {
    file,
    get refused() {
      return count
    },
  }
}

/** As text, or in Base64 where that doesn't tell it. */
function bytesForLog(path: ByteString): string | { readonly base64: string } {
  const text = textOfBytes(path)
  return text.includes('\ufffd') ? { base64: bufferOfBytes(path).toString('base64') } : text
}
