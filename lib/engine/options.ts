/** Defaults and checks of an engine's options. */
import { availableParallelism } from 'node:os'
import { checkInteger, checkNames, optionError } from '../options.js'
import type { EngineOptions } from './engine.js'

/** An engine's options with nothing left open. */
export type CompleteEngineOptions = { readonly [K in keyof EngineOptions]-?: NonNullable<EngineOptions[K]> }

const names = ['threads', 'nice', 'queueLimit', 'faults', 'tempTag'] as const satisfies (keyof EngineOptions)[]

/** @throws SustenError `ERR_SUSTEN_OPTION` that names the option. */
export function completeEngineOptions(options: EngineOptions): CompleteEngineOptions {
  checkNames('openEngine', options, names)
  return {
    threads: checkInteger('threads', options.threads ?? defaultThreads(), 1, 256),
    nice: checkInteger('nice', options.nice ?? 5, 0, 19),
    queueLimit: checkInteger('queueLimit', options.queueLimit ?? 16384, 1, 1 << 24),
    faults: options.faults ?? [],
    tempTag: checkTag(options.tempTag ?? ''),
  }
}

function checkTag(tag: string): string {
  if (typeof tag === 'string' && /^[0-9A-Za-z]{0,32}$/.test(tag)) return tag
  throw optionError("option 'tempTag' must be at most 32 letters and digits")
}

/** More than eight threads contend for one directory's lock; fewer than two leave a disk idle between two files. */
function defaultThreads(): number {
  return Math.max(2, Math.min(8, availableParallelism()))
}
