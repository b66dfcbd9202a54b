/** Faults from outside: the admin port, scripts, callers without types. */
import { inspect } from 'node:util'
import { checkBoolean, checkInteger, checkNames, checkWord, optionError } from '../../options.js'
import type { Fault, FaultKind } from './fault-types.js'

const areas = ['data', 'list', 'api', 'any'] as const
const LONGEST = 24 * 3_600_000
const LARGEST = Number.MAX_SAFE_INTEGER

type Check = (name: string, value: unknown) => unknown

const integer =
  (least: number, most: number): Check =>
  (name, value) =>
    checkInteger(name, value, least, most)

const text: Check = (name, value) => {
  if (typeof value === 'string') return value
  throw optionError(`option '${name}' must be text, not ${inspect(value)}`)
}

const milliseconds = integer(0, LONGEST)
const position = integer(0, LARGEST)

/** The fields of each kind; those with `!` must be given. */
const kinds: Readonly<Record<FaultKind, Readonly<Record<string, Check>>>> = {
  status: { 'status!': integer(200, 599), executed: checkBoolean },
  reset: {},
  delay: { 'ms!': milliseconds },
  slow: { 'bytesPerSecond!': integer(1, LARGEST) },
  stall: { after: position, ms: milliseconds },
  cut: { 'after!': position },
  length: { 'by!': integer(-LARGEST, LARGEST) },
  corrupt: { at: position },
  chunked: {},
  gzip: {},
  close: {},
  'ignore-range': {},
  'wrong-range': {},
  body: { text, base64: text, type: text },
  raw: { 'head!': text, body: checkBoolean, piece: integer(1, LARGEST) },
  'list-late': { 'ms!': milliseconds },
  'list-stale': { 'ms!': milliseconds },
  growing: { steps: integer(1, 1000) },
  late: { 'ms!': milliseconds },
}

const scope: Readonly<Record<string, Check>> = {
  on: (name, value) => checkWord(name, value, areas),
  match: (name, value) => {
    const pattern = text(name, value) as string
    try {
      new RegExp(pattern)
    } catch (cause) {
      throw optionError(`option '${name}' must be a regular expression: ${(cause as Error).message}`)
    }
    return pattern
  },
  methods: (name, value) => {
    if (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string')) return value
    throw optionError(`option '${name}' must be a list of methods, as in ['GET'], not ${inspect(value)}`)
  },
  skip: position,
  times: integer(1, LARGEST),
  chance: (name, value) => {
    if (typeof value === 'number' && value >= 0 && value <= 1) return value
    throw optionError(`option '${name}' must be a number from 0 to 1, not ${inspect(value)}`)
  },
}

/**
 * @param where What the fault came in, for the message.
 * @throws SustenError `ERR_SUSTEN_OPTION`
 */
export function checkFault(where: string, value: unknown): Fault {
  const known = Object.keys(kinds) as FaultKind[]
  if (typeof value !== 'object' || value === null) {
    throw optionError(`${where}: a fault must be an object, as in {"kind": "reset"}, not ${inspect(value)}`)
  }
  const fault = value as Readonly<Record<string, unknown>>
  const kind = checkWord('kind', fault['kind'], known)
  const fields = new Map<string, Check>(Object.entries(scope))
  for (const [name, check] of Object.entries(kinds[kind])) fields.set(name.replace('!', ''), check)
  checkNames(`${where}, fault '${kind}'`, fault, ['kind', ...fields.keys()])
  for (const name of Object.keys(kinds[kind])) {
    if (!name.endsWith('!') || fault[name.slice(0, -1)] !== undefined) continue
    throw optionError(`${where}: fault '${kind}' needs '${name.slice(0, -1)}'`)
  }
  for (const [name, check] of fields) if (fault[name] !== undefined) check(name, fault[name])
  return { ...fault, kind } as Fault
}
