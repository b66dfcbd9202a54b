/**
 * Reads JSON (RFC 8259) and keeps where everything stands, and keys that come twice: JSON.parse tells neither. Bounded
 * in depth; its time is proportional to the text.
 */
import type { FilePosition } from '../errors.js'
import { quoted } from './printable.js'

export interface JsonMember {
  readonly key: string
  readonly at: FilePosition
  readonly node: JsonNode
}

/** A value and where it begins. */
export type JsonNode = { readonly at: FilePosition } & (
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' }
  | { readonly kind: 'list'; readonly items: readonly JsonNode[] }
  | { readonly kind: 'object'; readonly members: readonly JsonMember[] }
)

/** Deeper than any configuration. */
const DEEPEST = 16

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const WORD = /[\w$.+-]+/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

/** @param fail Is told of the first mistake, and must throw. */
export function readJson(text: string, fail: (at: FilePosition, what: string) => never): JsonNode {
  let offset = 0
  let line = 1
  let lineStart = 0

  const here = (): FilePosition => ({ line, column: offset - lineStart + 1 })

  /** What is found where something else should be. */
  function unexpected(expected: string): never {
    const char = text[offset]
    if (char === undefined) return fail(here(), `the JSON ends too early; expected ${expected}`)
    if (char === '/' || char === '#') return fail(here(), `JSON has no comments; expected ${expected}`)
    return fail(here(), `expected ${expected}, found ${quoted(wordHere() ?? char)}`)
  }

  function wordHere(): string | undefined {
    WORD.lastIndex = offset
    return WORD.exec(text)?.[0]
  }

  function skipBlanks(): void {
    for (; offset < text.length; offset++) {
      const char = text[offset]
      if (char === '\n') {
        line++
        lineStart = offset + 1
      } else if (char !== ' ' && char !== '\t' && char !== '\r') return
    }
  }

  /** Takes a character if it comes next, blanks left aside. */
  function takes(char: string): boolean {
    skipBlanks()
    if (text[offset] !== char) return false
    offset++
    return true
  }

  function readString(): string {
    const start = offset++
    for (;;) {
      const code = text.charCodeAt(offset)
      if (Number.isNaN(code)) return fail(here(), "the JSON ends within a string; expected '\"'")
      if (code < 0x20) return fail(here(), 'a string holds a line end or another control character; write it as \\u00…')
      if (code === 0x22) break
      if (code === 0x5c) {
        ESCAPE.lastIndex = offset
        if (!ESCAPE.test(text)) return fail(here(), `${quoted(text.slice(offset, offset + 2))} is no escape of JSON`)
        offset = ESCAPE.lastIndex
      } else offset++
    }
    offset++
    return JSON.parse(text.slice(start, offset)) as string
  }

  function readNumber(at: FilePosition): JsonNode {
    NUMBER.lastIndex = offset
    const found = NUMBER.exec(text)?.[0]
    const all = wordHere()
    const after = text[offset + (found?.length ?? 0)]
    if (found === undefined || (after !== undefined && /[\w.+-]/.test(after))) {
      return fail(at, `${quoted(all ?? text.slice(offset, offset + 1))} is no number of JSON`)
    }
    offset += found.length
    return { at, kind: 'number', value: Number(found) }
  }

  function readWord(at: FilePosition): JsonNode {
    const word = wordHere()
    if (word !== 'true' && word !== 'false' && word !== 'null') return unexpected('a value')
    offset += word.length
    return word === 'null' ? { at, kind: 'null' } : { at, kind: 'boolean', value: word === 'true' }
  }

  function readList(at: FilePosition, depth: number): JsonNode {
    offset++
    const items: JsonNode[] = []
    if (takes(']')) return { at, kind: 'list', items }
    do items.push(readValue(depth + 1))
    while (takes(','))
    if (!takes(']')) unexpected("',' or ']'")
    return { at, kind: 'list', items }
  }

  function readObject(at: FilePosition, depth: number): JsonNode {
    offset++
    const members: JsonMember[] = []
    if (takes('}')) return { at, kind: 'object', members }
    do {
      skipBlanks()
      const keyAt = here()
      if (text[offset] !== '"') unexpected('a key in double quotes')
      const key = readString()
      if (!takes(':')) unexpected("':'")
      members.push({ key, at: keyAt, node: readValue(depth + 1) })
    } while (takes(','))
    if (!takes('}')) unexpected("',' or '}'")
    return { at, kind: 'object', members }
  }

  function readValue(depth: number): JsonNode {
    skipBlanks()
    const at = here()
    if (depth > DEEPEST) return fail(at, `nested more than ${DEEPEST} deep`)
    const char = text[offset] ?? ''
    if (char === '"') return { at, kind: 'string', value: readString() }
    if (char === '{') return readObject(at, depth)
    if (char === '[') return readList(at, depth)
    return /[-0-9]/.test(char) ? readNumber(at) : readWord(at)
  }

  const root = readValue(1)
  skipBlanks()
  if (offset < text.length) unexpected('the end of the file')
  return root
}
