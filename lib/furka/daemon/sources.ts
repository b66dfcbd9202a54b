/** From a detector of the configuration to the source that its files come from. */
import { isIPv6 } from 'node:net'
import { optionError } from '../../options.js'
import type { FileSource } from '../../source/files.js'
import { openSimplon } from '../../source/simplon/index.js'
import type { FilewriterSource, FurkaDetector, FurkaSource } from '../config/index.js'

/** Nothing is asked of it before a Furka opens it. */
export function sourceOf({ id, source }: FurkaDetector): FileSource {
  switch (source.protocol) {
    case 'filewriter':
      return filewriter(id, source)
    default:
      throw optionError(`detector '${id}': its protocol ${source.protocol.toUpperCase()} isn't there yet`)
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
