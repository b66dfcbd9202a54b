/** Reads the vendor's form: a key and its value on each line, some in sections. The rules: docs/GRIMSEL-CONFIG.md. */
import type { FilePosition } from '../errors.js'
import { quoted } from './printable.js'
import type { Problems } from './problems.js'
import type { Entry, Grammar, RawConfig, RawSection, RawValue } from './raw.js'

/** Longest line: a path of 4095 bytes with its key and a comment. */
const LONGEST = 8192

/** A key, then blanks, `=` or `:` — but a colon that follows blanks needs some after it: `bind_address ::1`. */
const KEY_AND_VALUE = /^([^\s=:]+)(?:[ \t]*=[ \t]*|:[ \t]*|[ \t]+:(?:[ \t]+|$)|[ \t]+|$)(.*)$/
const QUOTED = /^(["'])(.*?)\1(.*)$/
const COMMENT = /(?:^|[ \t])#/
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/

export function readConf(text: string, grammar: Grammar, problems: Problems): RawConfig {
  const { program, foreign } = grammar
  const words: Words = { ...grammar, spelling: new Map(grammar.keys.map((key) => [key.toLowerCase(), key])) }
  const globals: Entry[] = []
  const sections: RawSection[] = []
  let section = globals
  for (const [index, whole] of text.split('\n').entries()) {
    const at = { line: index + 1 }
    // A carriage return goes with the blanks.
    const line = whole.trim()
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue
    const entry = readLine(line, words, at, problems)
    if (entry === undefined) continue
    if (entry.key === grammar.section) {
      section = []
      sections.push({ at, entries: section })
    } else if (entry.key.toLowerCase() === foreign.section.toLowerCase()) {
      const own = `${program}'s begin with ${grammar.section}`
      problems.add(at, `${entry.key} begins a section of ${foreign.program}'s configuration; ${own}`)
      // What follows belongs to it, and would only be reported once more.
      section = []
      continue
    }
    section.push(entry)
  }
  return { form: 'conf', globals, sections }
}

interface Words {
  readonly section: string
  /** Keys by their small letters. */
  readonly spelling: ReadonlyMap<string, string>
}

function readLine(line: string, { section, spelling }: Words, at: FilePosition, problems: Problems): Entry | undefined {
  if (line.length > LONGEST) return refuse(`the line is longer than ${LONGEST} characters`)
  const control = line.search(CONTROL)
  if (control >= 0) return refuse(`a control character stands after ${quoted(line.slice(0, control))}; remove it`)
  if (line.startsWith('[')) return refuse(`${quoted(line)} is no section; sections begin with '${section} NAME'`)
  const [, key, rest] = KEY_AND_VALUE.exec(line) ?? []
  if (key === undefined || rest === undefined) {
    return refuse(`${quoted(line)} is no 'key value'; comments begin with '#'`)
  }
  const value = readValue(rest)
  if (value === undefined) return refuse(`${key}: the value ${quoted(rest)} must end with its quote, but for a comment`)
  return { key: spelling.get(key.toLowerCase()) ?? key, value, at }

  function refuse(what: string): undefined {
    problems.add(at, what)
  }
}

/** Undefined if its quotes are wrong. */
function readValue(rest: string): RawValue | undefined {
  if (rest.startsWith('"') || rest.startsWith("'")) {
    const [, , text, after = ''] = QUOTED.exec(rest) ?? []
    if (text === undefined || !/^([ \t]+#.*)?$/.test(after)) return undefined
    return { form: 'text', text, hasComment: false }
  }
  const comment = rest.search(COMMENT)
  if (comment < 0) return { form: 'text', text: rest, hasComment: false }
  return { form: 'text', text: rest.slice(0, comment).trim(), hasComment: true }
}
