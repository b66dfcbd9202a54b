/** How much memory names may take. The other side makes them as many, and as long, as it likes. */

/** Characters of names, and of paths that aren't the same, that a source keeps at most; what is beyond waits. */
export const MOST_CHARACTERS = 64 * 1024 ** 2

export const charactersOf = (name: string, path: string | Uint8Array): number =>
  name.length + (path === name ? 0 : path.length)
