/** The faults in force, and which of them hit a request. */
import { openRandom, type Random } from '../random.js'
import type { Fault, FaultArea, FaultEffect, FaultKind } from './fault-types.js'

/** A fault in force. */
export interface ActiveFault {
  readonly id: number
  readonly fault: Fault
  /** Requests that it has hit. */
  readonly hits: number
}

/** What a fault is held against. */
export interface Target {
  readonly area: Exclude<FaultArea, 'any'>
  readonly method: string
  /** As it was sent. */
  readonly path: string
}

export interface FaultBook {
  add(fault: Fault): ActiveFault
  /** False if there is no such fault any more. */
  remove(id: number): boolean
  clear(): void
  list(): ActiveFault[]
  /** The faults that hit a request; each is counted. */
  hitting(target: Target): ActiveFault[]
  /** The newest fault of a kind that doesn't come with requests. */
  standing<K extends FaultKind>(kind: K): Extract<FaultEffect, { readonly kind: K }> | undefined
}

/** What happens to a body. */
const ofBodies: readonly FaultKind[] = [
  'slow',
  'stall',
  'cut',
  'length',
  'corrupt',
  'chunked',
  'gzip',
  'ignore-range',
  'wrong-range',
  'raw',
]
const ofLists: readonly FaultKind[] = ['body']
/** They change what the server has and shows, rather than a single answer. */
const standingKinds: readonly FaultKind[] = ['list-late', 'list-stale', 'growing', 'late']

interface Active extends ActiveFault {
  hits: number
  seen: number
  readonly on: FaultArea
  readonly pattern: RegExp | undefined
  readonly methods: readonly string[] | undefined
}

/** @param seed Decides about chances. */
export function createFaultBook(seed: number): FaultBook {
  const random = openRandom(seed)
  const active = new Map<number, Active>()
  let last = 0

  return {
    add(fault) {
      last++
      const one: Active = {
        id: last,
        fault,
        hits: 0,
        seen: 0,
        on: fault.on ?? usualArea(fault.kind),
        pattern: fault.match === undefined ? undefined : new RegExp(fault.match),
        methods: fault.methods ?? (ofBodies.includes(fault.kind) ? ['GET'] : undefined),
      }
      active.set(last, one)
      return one
    },
    remove: (id) => active.delete(id),
    clear: () => active.clear(),
    list: () => [...active.values()],
    hitting(target) {
      const hit = [...active.values()].filter((one) => matches(one, target) && counts(one, random))
      for (const one of hit) if (one.hits === one.fault.times) active.delete(one.id)
      return hit
    },
    standing<K extends FaultKind>(kind: K) {
      const found = [...active.values()].findLast(({ fault }) => fault.kind === kind)
      return found?.fault as Extract<FaultEffect, { readonly kind: K }> | undefined
    },
  }
}

function usualArea(kind: FaultKind): FaultArea {
  if (ofBodies.includes(kind)) return 'data'
  return ofLists.includes(kind) ? 'list' : 'any'
}

function matches({ fault, on, pattern, methods }: Active, { area, method, path }: Target): boolean {
  if (standingKinds.includes(fault.kind)) return false
  if (on !== 'any' && on !== area) return false
  if (methods !== undefined && !methods.includes(method)) return false
  return pattern === undefined || pattern.test(path)
}

function counts(one: Active, random: Random): boolean {
  one.seen++
  if (one.seen <= (one.fault.skip ?? 0) || random.uniform() >= (one.fault.chance ?? 1)) return false
  one.hits++
  return true
}
