/** Answers that are JSON already: who has much to tell makes it piece by piece, and holds up nobody. */

/** JSON that is sent as it is. */
export interface JsonText {
  readonly [mark]: string
}

const mark = Symbol('JSON text')

/** @param text JSON without line feeds between its parts. */
export const jsonText = (text: string): JsonText => ({ [mark]: text })

/** The text, if the value is one. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null && mark in value ? (value as JsonText)[mark] : undefined
}
