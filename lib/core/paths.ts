/** Paths in messages. */
import type { ByteString } from '../bytes.js'
import type { StorageState } from './state.js'

export const join = (directory: ByteString, name: string): ByteString =>
  (directory === '/' ? `/${name}` : `${directory}/${name}`) as ByteString

/** Where a file is copied to. */
export const destination = (storage: StorageState, path: ByteString, cut: number): ByteString =>
  join(storage.config.target, path.slice(cut))
