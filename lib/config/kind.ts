/** What a key's value may be. */
import type { JsonNode } from './json-reader.js'
import { quoted } from './printable.js'
import type { RawValue } from './raw.js'

/** Why a value can't be taken, as the end of a sentence that begins with the key. */
export interface Refusal {
  readonly refused: string
}

export interface Kind<T> {
  /** Completes "must be …". */
  readonly allowed: string
  read(value: RawValue): T | Refusal
}

/** How a kind takes a value from each form: undefined if it is none of what is allowed. */
interface Readers<T> {
  readonly allowed: string
  text(text: string, hasComment: boolean): T | Refusal | undefined
  json(node: JsonNode): T | Refusal | undefined
}

export function defineKind<T>({ allowed, text, json }: Readers<T>): Kind<T> {
  return {
    allowed,
    read(value) {
      const read = value.form === 'text' ? text(value.text, value.hasComment) : json(value.node)
      return read === undefined ? refusal(`must be ${allowed}, not ${shown(value)}`) : read
    },
  }
}

export const refusal = (refused: string): Refusal => ({ refused })

export function isRefusal<T>(read: T | Refusal): read is Refusal {
  return typeof read === 'object' && read !== null && 'refused' in read
}

function shown(value: RawValue): string {
  if (value.form === 'text') return value.text === '' ? 'empty' : quoted(value.text)
  const { node } = value
  if (node.kind === 'string') return quoted(node.value)
  if (node.kind === 'number' || node.kind === 'boolean') return String(node.value)
  if (node.kind === 'null') return 'null'
  return node.kind === 'list' ? 'a list' : 'an object'
}
