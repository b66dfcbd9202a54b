/** Other processes, by number, and the end of this one. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds between two looks. */
const interval = 20

/** Milliseconds after which nothing keeps the process any longer. */
const patience = 2000

/** This process ends, though something of it hangs in a dead file system. */
export function exitSoon(): void {
  setTimeout(() => process.exit(), patience).unref()
}

/** When a process began, which tells it from a later one with its number. Undefined: it has ended. */
export function birthOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name, in brackets, may hold anything.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' || state === 'X' ? undefined : fields[18]
  } catch {
    return undefined
  }
}

/** Resolves to whether a process has ended within some milliseconds. */
export async function hasEnded(pid: number, birth: string | undefined, patience: number): Promise<boolean> {
  const deadline = performance.now() + patience
  while (birth !== undefined && birthOf(pid) === birth) {
    if (performance.now() > deadline) return false
    await sleep(interval)
  }
  return true
}
