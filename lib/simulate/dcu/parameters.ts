/** Values of the API: their types and limits, how they are shown, and what may be put into them. */
import { inspect } from 'node:util'
import type { ApiTraits } from './versions.js'

/** A value, with what the API tells about it. */
export interface Parameter {
  readonly type: 'bool' | 'float' | 'uint' | 'string' | 'string[]'
  readonly access: 'r' | 'rw'
  readonly unit?: string
  readonly min?: number
  readonly max?: number
  readonly allowed?: readonly string[]
  readonly value: ParameterValue
}

export type ParameterValue = boolean | number | string | readonly string[] | null

/** What a value can be put as, or why not. */
export type Put = { readonly value: ParameterValue } | { readonly refused: string }

/**
 * A configuration value as the API shows it.
 * Source: areaDetector/ADEiger issue 42 (an EIGER2, 1.8.0) and DiamondLightSource/eiger-detector `eiger_simulator.py`
 * (answers of an EIGER 500K, 1.6.0): keys and types; in 1.8.0 the keys are in alphabetical order.
 */
export function configForm({ type, access, unit, min, max, allowed, value }: Parameter): object {
  return {
    access_mode: access,
    ...(allowed !== undefined && { allowed_values: allowed }),
    ...(max !== undefined && { max }),
    ...(min !== undefined && { min }),
    ...(unit !== undefined && { unit }),
    value,
    value_type: type,
  }
}

/**
 * A status value as the API shows it.
 * Source: as for {@link configForm}; for 1.8.0 dls-controls/tickit-devices `eiger_schema.py`.
 */
export function statusForm(traits: ApiTraits, { type, unit, value }: Omit<Parameter, 'access'>): object {
  if (!traits.hasLongStatus) {
    return { access_mode: 'r', ...(unit !== undefined && { unit }), value, value_type: type }
  }
  return {
    value,
    state: 'normal',
    value_type: type === 'string[]' ? 'string' : type,
    critical_limits: [null, null],
    time: timeText(new Date()),
    unit: unit ?? '',
    critical_values: [],
  }
}

/** As `2019-07-29T18:24:34.755835`. */
export function timeText(time: Date): string {
  return `${time.toISOString().slice(0, -1)}000`
}

/** Checks what a client puts; a number for a `uint` must be whole. */
export function checkPut(name: string, parameter: Parameter, value: unknown): Put {
  const { type, access, min, max, allowed } = parameter
  const refused = (why: string): Put => ({ refused: `${name} ${why}, not ${inspect(value)}` })
  if (access === 'r') return { refused: `${name} can't be set` }
  if (type === 'bool') return typeof value === 'boolean' ? { value } : refused('must be true or false')
  if (type === 'float' || type === 'uint') {
    if (typeof value !== 'number' || !Number.isFinite(value)) return refused('must be a number')
    if (type === 'uint' && !Number.isInteger(value)) return refused('must be a whole number')
    if (min !== undefined && value < min) return refused(`must be at least ${min}`)
    if (max !== undefined && value > max) return refused(`must be at most ${max}`)
    return { value }
  }
  if (typeof value !== 'string') return refused('must be text')
  if (allowed !== undefined && !allowed.includes(value)) return refused(`must be one of ${allowed.join(', ')}`)
  return { value }
}

/** A set of values by name. */
export interface Parameters {
  names(): string[]
  get(name: string): Parameter | undefined
  /** A number; 0 if there is none of that name. */
  number(name: string): number
  text(name: string): string
  flag(name: string): boolean
  /** Without any check. */
  set(name: string, value: ParameterValue): void
  /** Back to what they were at first. */
  reset(): void
}

export function createParameters(first: Readonly<Record<string, Parameter>>): Parameters {
  const values = new Map<string, Parameter>(Object.entries(first))
  const at = (name: string): ParameterValue => values.get(name)?.value ?? null
  return {
    names: () => [...values.keys()],
    get: (name) => values.get(name),
    number: (name) => Number(at(name) ?? 0),
    text: (name) => String(at(name) ?? ''),
    flag: (name) => at(name) === true,
    set(name, value) {
      const parameter = values.get(name)
      if (parameter !== undefined) values.set(name, { ...parameter, value })
    },
    reset() {
      for (const [name, parameter] of Object.entries(first)) values.set(name, parameter)
    },
  }
}
