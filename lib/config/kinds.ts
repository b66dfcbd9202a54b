/** The kinds of values that configurations have. */
import { bytesOfText } from '../bytes.js'
import type { JsonNode } from './json-reader.js'
import { defineKind, type Kind, type Refusal, refusal } from './kind.js'

const units: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

/** A whole number within bounds. */
export function whole(least: number, most: number): Kind<number> {
  const within = (value: number): number | undefined =>
    Number.isInteger(value) && value >= least && value <= most ? value + 0 : undefined
  return defineKind({
    allowed: `a whole number from ${least} to ${most}`,
    text: (text) => (/^[0-9]{1,15}$/.test(text) ? within(Number(text)) : undefined),
    json: (node) => (node.kind === 'number' ? within(node.value) : undefined),
  })
}

/** Bytes, or a number with a unit of 1024. Less than 4096 can't be meant as bytes. */
export function size(): Kind<number> {
  const ofBytes = (bytes: number): number | undefined =>
    Number.isInteger(bytes) && bytes >= 4096 && bytes <= 2 ** 50 ? bytes : undefined
  const ofText = (value: string): number | undefined => {
    const [, digits, unit = ''] = /^([1-9][0-9]{0,5}) ?([kmg])$/i.exec(value) ?? []
    return digits === undefined ? undefined : Number(digits) * (units[unit.toLowerCase()] ?? Number.NaN)
  }
  return defineKind({
    allowed: "bytes, at least 4096, or a number up to 999999 with a unit, as '500k', '10M' or '1G'",
    text: (text) => (/^[0-9]{1,16}$/.test(text) ? ofBytes(Number(text)) : ofText(text)),
    json: (node) => (node.kind === 'number' ? ofBytes(node.value) : ofText(textOf(node) ?? '')),
  })
}

/** YES or NO; in JSON also true or false. */
export function yesNo(): Kind<boolean> {
  const ofWord = (word: string): boolean | undefined => (word === 'YES' ? true : word === 'NO' ? false : undefined)
  return defineKind({
    allowed: 'YES or NO',
    text: (text) => ofWord(text.toUpperCase()),
    json: (node) => (node.kind === 'boolean' ? node.value : ofWord(textOf(node) ?? '')),
  })
}

/**
 * One of a few words, given in capitals.
 * @returns The word in small letters.
 */
export function word<W extends string>(...words: readonly W[]): Kind<W> {
  const find = (text: string): W | undefined => words.find((candidate) => candidate.toUpperCase() === text)
  return defineKind({
    allowed: words.map((candidate) => candidate.toUpperCase()).join(' or '),
    text: (text) => find(text.toUpperCase()),
    json: (node) => find(textOf(node) ?? ''),
  })
}

/**
 * An absolute path.
 * @param options `marker`: one `/./` is kept; `most`: longest in bytes
 * @returns The path in its plainest form.
 */
export function path({ marker = false, most = 4095 }: { marker?: boolean; most?: number } = {}): Kind<string> {
  const plain = (text: string): string | Refusal | undefined => {
    if (!text.startsWith('/')) return undefined
    if (/[\p{Cc}\p{Cs}]/u.test(text)) return refusal('must have no control characters, nor halves of characters')
    if (bytesOfText(text).length > most) return refusal(`must be at most ${most} bytes long`)
    const cut = marker ? text.indexOf('/./') : -1
    const [above, below] = cut < 0 ? [names(text), []] : [names(text.slice(0, cut)), names(text.slice(cut + 3))]
    if (above.includes('..') || below.includes('..')) return refusal("must have no '..'")
    if (below.length === 0) return `/${above.join('/')}`
    return ['', ...above, '.', ...below].join('/')
  }
  return defineKind({
    allowed: 'an absolute path',
    text: (text, hasComment) =>
      hasComment && text !== ''
        ? refusal("has a '#' after it; put the path in quotes if that belongs to it, else the comment on its own line")
        : plain(text),
    json: (node) => plain(textOf(node) ?? ''),
  })
}

const names = (text: string): string[] => text.split('/').filter((name) => name !== '' && name !== '.')

/** A name that something is known by. */
export function identifier(): Kind<string> {
  const checked = (text: string): string | undefined =>
    /^[^\s\p{Cc}\p{Cs}]+$/u.test(text) && [...text].length <= 64 ? text : undefined
  return defineKind({
    allowed: 'a name of 1 to 64 characters without blanks',
    text: checked,
    json: (node) => checked(textOf(node) ?? ''),
  })
}

/** Any text, none too. */
export function text(): Kind<string> {
  return defineKind({ allowed: 'a string', text: (value) => value, json: textOf })
}

/** A string's text. */
export const textOf = (node: JsonNode): string | undefined => (node.kind === 'string' ? node.value : undefined)
