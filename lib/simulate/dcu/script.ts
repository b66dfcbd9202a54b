/** Scripts: what goes wrong, and what is done, at which second. */

import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { checkNames, checkWord, optionError } from '../../options.js'
import { checkFault } from './fault-check.js'
import type { Fault } from './fault-types.js'
import type { AcquireOptions, Dcu } from './types.js'

/** A step of a script. */
export interface ScriptStep {
  /** Seconds since the script began. */
  readonly at: number
  readonly action: ScriptAction
}

export type ScriptAction =
  /** `for`: seconds after which it ends. Default: it goes on. */
  | { readonly type: 'fault'; readonly fault: Fault; readonly for: number | undefined }
  | { readonly type: 'clear' | 'hostile' | 'trigger' }
  | { readonly type: 'restart'; readonly downtime: number }
  | { readonly type: 'acquire'; readonly options: AcquireOptions }

const LONGEST = 7 * 24 * 3600
const words = ['clear', 'hostile', 'trigger', 'restart', 'acquire'] as const
const acquireNames = ['images', 'triggers', 'imagesPerFile', 'namePattern', 'frameTime']

/**
 * Reads a script: a JSON list of steps, `{"at": 2, "fault": {…}, "for": 5}` or `{"at": 10, "do": "restart"}`.
 * @param name Of the file, for messages.
 * @throws SustenError `ERR_SUSTEN_OPTION`
 */
export function readScript(name: string, text: string): ScriptStep[] {
  let steps: unknown
  try {
    steps = JSON.parse(text)
  } catch (cause) {
    throw optionError(`${name}: no JSON: ${(cause as Error).message}`)
  }
  if (!Array.isArray(steps)) throw optionError(`${name}: a script is a list of steps`)
  return steps.map((step, index) => readStep(`${name}, step ${index + 1}`, step)).sort((a, b) => a.at - b.at)
}

function readStep(where: string, value: unknown): ScriptStep {
  if (typeof value !== 'object' || value === null)
    throw optionError(`${where} must be an object, not ${inspect(value)}`)
  const { at = 0, ...rest } = value as Readonly<Record<string, unknown>>
  return { at: seconds(where, 'at', at), action: readAction(where, rest) }
}

function readAction(where: string, step: Readonly<Record<string, unknown>>): ScriptAction {
  if (step['fault'] !== undefined) {
    checkNames(where, step, ['fault', 'for'])
    const lasting = step['for'] === undefined ? undefined : seconds(where, 'for', step['for'])
    return { type: 'fault', fault: checkFault(where, step['fault']), for: lasting }
  }
  const { do: word, ...options } = step
  const type = checkWord(`do' of '${where}`, word, words)
  if (type === 'restart') {
    checkNames(where, options, ['downtime'])
    return { type, downtime: seconds(where, 'downtime', options['downtime'] ?? 0) }
  }
  checkNames(where, options, type === 'acquire' ? acquireNames : [])
  return type === 'acquire' ? { type, options } : { type }
}

function seconds(where: string, name: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= LONGEST) return value
  throw optionError(`${where}: '${name}' must be seconds, 0 to ${LONGEST}, not ${inspect(value)}`)
}

/** Runs a script to its end, or until the signal is given. Series go on beside it. */
export async function runScript(
  dcu: Dcu,
  steps: readonly ScriptStep[],
  { signal, onError }: { readonly signal?: AbortSignal; readonly onError?: (error: unknown) => void } = {},
): Promise<void> {
  const began = performance.now()
  const until = async (second: number): Promise<boolean> => {
    const wait = began + second * 1000 - performance.now()
    if (wait > 0) await sleep(wait, undefined, signal && { signal }).catch(() => {})
    return signal?.aborted !== true
  }
  const beside: Promise<unknown>[] = []
  for (const { at, action } of steps) {
    if (!(await until(at))) break
    beside.push(act(dcu, action, at, until).catch((error: unknown) => onError?.(error)))
  }
  await Promise.all(beside)
}

async function act(
  dcu: Dcu,
  action: ScriptAction,
  at: number,
  until: (second: number) => Promise<boolean>,
): Promise<void> {
  switch (action.type) {
    case 'fault': {
      const fault = dcu.fault(action.fault)
      if (action.for === undefined) return
      await until(at + action.for)
      fault.clear()
      return
    }
    case 'clear':
      dcu.clearFaults()
      return
    case 'hostile':
      await dcu.addHostile()
      return
    case 'trigger':
      await dcu.trigger()
      return
    case 'restart':
      await dcu.restart({ downtime: action.downtime * 1000 })
      return
    case 'acquire':
      await dcu.acquire(action.options)
  }
}
