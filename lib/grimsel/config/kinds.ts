/** The kinds of values that only Grimsel's configuration has. */
import { isIP } from 'node:net'
import { defineKind, type Kind, type Refusal, refusal, textOf } from '../../config/index.js'

/**
 * A fill state, 1 % up to less than 100 %: below 1 a number is a fraction, above it a percentage.
 * @returns The fraction.
 */
export function fillState(): Kind<number> {
  const ofNumber = (value: number): number | Refusal | undefined => {
    if (value === 1) return refusal("is 1, which may mean 1 % or full; write '1%' or a number below 100")
    if (value >= 0.01 && value < 1) return rounded(value)
    return value > 1 && value < 100 ? rounded(value / 100) : undefined
  }
  const text = (value: string): number | Refusal | undefined => {
    const [, digits, percent] = /^((?:0|[1-9][0-9]{0,2})(?:\.[0-9]{1,6})?) ?(%?)$/.exec(value) ?? []
    if (digits === undefined) return undefined
    if (percent === '') return ofNumber(Number(digits))
    return Number(digits) >= 1 && Number(digits) < 100 ? rounded(Number(digits) / 100) : undefined
  }
  return defineKind({
    allowed: "a percentage from 1% to less than 100%, as '80' or '80%', or a fraction as '0.8'",
    text,
    json(node) {
      if (node.kind === 'number') return ofNumber(node.value)
      return node.kind === 'string' && node.value.endsWith('%') ? text(node.value) : undefined
    },
  })
}

/** Free of what binary fractions add: 0.8 - 0.1 is 0.7. */
export const rounded = (fraction: number): number => Math.round(fraction * 1e8) / 1e8

/** One or several IP addresses. */
export function addresses(): Kind<readonly string[]> {
  const checked = (list: readonly (string | undefined)[]): string[] | undefined => {
    const found = list.filter((item) => item !== undefined && isIP(item) !== 0) as string[]
    const isWhole = found.length === list.length && found.length > 0 && found.length <= 16
    return isWhole && new Set(found).size === found.length ? found : undefined
  }
  return defineKind({
    allowed: "1 to 16 different IP addresses, as '127.0.0.1' or '::1'",
    text: (text) => checked(text.split(/[ \t]*,[ \t]*|[ \t]+/)),
    json: (node) => checked(node.kind === 'list' ? node.items.map(textOf) : [textOf(node)]),
  })
}
