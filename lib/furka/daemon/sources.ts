/** From a detector of the configuration to the source that its files come from. */
import { isIPv6 } from 'node:net'
import type { FileSource } from '../../source/files.js'
import { openIncoming } from '../../source/incoming/index.js'
import { openRsync } from '../../source/rsync/index.js'
import { openSimplon } from '../../source/simplon/index.js'
import type { FilewriterSource, FurkaDetector, FurkaSource } from '../config/index.js'

/**
 * Nothing is asked of it before a Furka opens it.
 * @param requiredMount What is to be written below it waits while nothing is mounted there.
 */
export function sourceOf({ id, source }: FurkaDetector, requiredMount: string | undefined): FileSource {
  switch (source.protocol) {
    case 'filewriter':
      return filewriter(id, source)
    case 'rsync': {
      const { host, port, module, path, staging, minPause, interrunPause, stallTimeout } = source
      return openRsync({ id, host, port, module, path, staging, requiredMount, minPause, interrunPause, stallTimeout })
    }
    case 'directory': {
      const { path, sourceMount: mountPoint, settle, scanInterval } = source
      return openIncoming({ id, path, ...(mountPoint === undefined ? {} : { mountPoint }), settle, scanInterval })
    }
  }
}

function filewriter(id: string, source: FilewriterSource): FileSource {
  const { https, port, apiVersion, connections, stallTimeout: stall, poll } = source
  const host = isIPv6(source.host) ? `[${source.host}]` : source.host
  return openSimplon({
    id,
    host: `${https ? 'https' : 'http'}://${host}:${port}`,
    ...(apiVersion === undefined ? {} : { apiVersion }),
    connections,
    stall,
    poll,
  })
}

/** How a detector's files are received. */
export function transferOf(source: FurkaSource): { readonly connections?: number; readonly stallTimeout?: number } {
  switch (source.protocol) {
    case 'filewriter':
      return { connections: source.connections, stallTimeout: source.stallTimeout }
    case 'rsync':
      return { stallTimeout: source.stallTimeout }
    case 'directory':
      return {}
  }
}
