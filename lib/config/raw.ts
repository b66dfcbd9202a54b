/** A configuration as it stands in the file, in one shape for both forms, before anything in it is judged. */
import type { FilePosition } from '../errors.js'
import type { JsonNode } from './json-reader.js'

/** The words by which a program's configuration is read. */
export interface Grammar {
  /** The program, for messages: `Grimsel`. */
  readonly program: string
  /** What begins a section in the vendor's form: `storageID`. */
  readonly section: string
  /** The list of sections in JSON: `storages`. Undefined: JSON has none. */
  readonly list: string | undefined
  /** All keys of the vendor's form: their letter case doesn't matter there. */
  readonly keys: readonly string[]
  /** A configuration that looks alike: what begins its sections, and whose it is. */
  readonly foreign: { readonly section: string; readonly program: string }
}

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

/** A section; the key that begins it is one of the entries. */
export interface RawSection {
  readonly at: FilePosition
  readonly entries: readonly Entry[]
}

export interface RawConfig {
  readonly form: 'conf' | 'json'
  readonly globals: readonly Entry[]
  readonly sections: readonly RawSection[]
}
