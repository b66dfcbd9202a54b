/** Whatever other people's code throws, as text. */

/** Never throws itself, not even for objects that can't be made text. */
export function textOfThrown(thrown: unknown): string {
  try {
    return thrown instanceof Error ? `${thrown.message}` : String(thrown)
  } catch {
    return `something that can't be shown (${typeof thrown})`
  }
}
