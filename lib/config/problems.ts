/** Gathers all that is wrong with a configuration file, to be told at once. */
import { type FilePosition, SustenError } from '../errors.js'
import { printable } from './printable.js'
import type { ConfigNote } from './types.js'

/** Errors that are told one by one. A file with more is something else than a configuration. */
const MOST = 100

export interface Problems {
  /** Something is wrong. Reading goes on, to find what else is. A function is only called if it is going to be told. */
  add(position: FilePosition | undefined, what: string | (() => string)): void
  /** Something is wrong, and nothing more can be read. */
  fail(position: FilePosition | undefined, what: string): never
  /** Something that isn't wrong. */
  note(position: FilePosition | undefined, what: string): void
  /** @throws SustenError `ERR_SUSTEN_CONFIG` if anything is wrong */
  check(): void
  /** What was noted, in the order of the file. */
  notes(): readonly ConfigNote[]
}

/**
 * @param file The file's name, for messages.
 * @param program Whose configuration it should be.
 */
export function gatherProblems(file: string, program: string): Problems {
  const failures: SustenError[] = []
  const noted: ConfigNote[] = []
  let more = 0

  function add(position: FilePosition | undefined, what: string | (() => string)): void {
    if (failures.length >= MOST) more++
    else failures.push(configError(file, position, typeof what === 'string' ? what : what()))
  }

  function check(): void {
    if (failures.length === 0) return
    const sorted = failures.toSorted((a, b) => inOrder(a.position, b.position))
    if (more > 0)
      sorted.push(configError(file, undefined, `${more} more errors; is this a configuration of ${program}?`))
    const [first] = sorted
    const others = failures.length + more - 1
    const rest = others === 0 ? '' : ` (and ${others} more ${others === 1 ? 'error' : 'errors'})`
    throw new SustenError(`${first?.message}${rest}`, {
      code: 'ERR_SUSTEN_CONFIG',
      path: file,
      position: first?.position,
      failures: Object.freeze(sorted),
    })
  }

  return {
    add,
    check,
    fail(position, what) {
      const error = configError(file, position, what)
      failures.push(error)
      check()
      throw error
    },
    note(position, what) {
      noted.push({ position, text: located(file, position, `note: ${what}`) })
    },
    notes: () => noted.toSorted((a, b) => inOrder(a.position, b.position)),
  }
}

function configError(file: string, position: FilePosition | undefined, what: string): SustenError {
  return new SustenError(located(file, position, what), { code: 'ERR_SUSTEN_CONFIG', path: file, position })
}

/** As compilers write it: editors find the place. */
function located(file: string, position: FilePosition | undefined, what: string): string {
  const name = printable(file)
  if (position === undefined) return `${name}: ${what}`
  const { line, column } = position
  return `${name}:${line}:${column === undefined ? '' : `${column}:`} ${what}`
}

/** What concerns the file as a whole comes last. */
function inOrder(a: FilePosition | undefined, b: FilePosition | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined)
  return a.line - b.line || (a.column ?? 0) - (b.column ?? 0)
}
