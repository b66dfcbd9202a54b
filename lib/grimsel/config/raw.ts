/** A configuration as it stands in the file, in one shape for both forms, before anything in it is judged. */
import type { FilePosition } from '../../errors.js'
import type { JsonNode } from './json-reader.js'

/** A value before it is known what it should be. */
export type RawValue =
  | {
      readonly form: 'text'
      readonly text: string
      /** A comment follows on the line, which might be meant as part of the value. */
      readonly hasComment: boolean
    }
  | { readonly form: 'json'; readonly node: JsonNode }

/** A key with its value. */
export interface Entry {
  readonly key: string
  readonly value: RawValue
  readonly at: FilePosition
}

/** A storage's section; its `storageID` is one of the entries. */
export interface RawStorage {
  readonly at: FilePosition
  readonly entries: readonly Entry[]
}

export interface RawConfig {
  readonly form: 'conf' | 'json'
  readonly globals: readonly Entry[]
  readonly storages: readonly RawStorage[]
}
