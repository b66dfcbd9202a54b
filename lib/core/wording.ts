/** Failures in words: what went wrong first, then the code for who looks it up. */
import { meaningOf } from '../error-text.js'
import type { Failure } from './record.js'
import type { State } from './state.js'

export function failureText({ code, errno, syscall }: Failure): string {
  const meaning = meaningOf(code, -errno)
  const where = syscall === '' ? '' : `, ${syscall}`
  return meaning === '' ? `${code}${where}` : `${meaning} (${code}${where})`
}

/** What the directory that files come from is called: a Grimsel's is its buffer. */
export const sourceName = ({ tiers }: State): 'source' | 'buffer' => (tiers.length > 0 ? 'buffer' : 'source')
