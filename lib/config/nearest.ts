/** Finds the name that someone may have meant. */

/** Longest name that is looked at: longer ones are no typing mistakes. */
const LONGEST = 64

/** Shortest piece of a name by which it is recognised. */
const PIECE = 5

/**
 * The known name with the fewest letters wrong, missing, added or swapped, or the first that this is a piece of;
 * undefined if none is near.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > LONGEST) return undefined
  const wanted = plain(name)
  const most = Math.max(1, Math.floor(wanted.length / 3))
  const [best] = known
    .map((candidate) => ({ candidate, distance: editDistance(wanted, plain(candidate)) }))
    .filter(({ distance }) => distance <= most)
    .sort((a, b) => a.distance - b.distance)
  const whole = wanted.length < PIECE ? undefined : known.find((candidate) => plain(candidate).includes(wanted))
  return best?.candidate ?? whole
}

/** Letter case, `_` and `-` are no difference between names that people mix up. */
const plain = (name: string): string => name.toLowerCase().replaceAll(/[_-]/g, '')

/** Optimal string alignment distance. */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      const changed = at(above, j - 1) + (isSame ? 0 : 1)
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(Math.min(changed, at(above, j) + 1, at(row, j - 1) + 1, isSwapped ? at(before, j - 2) + 1 : Infinity))
    }
    before = above
    above = row
  }
  return at(above, b.length)
}

const at = (row: readonly number[], index: number): number => row[index] ?? Infinity
