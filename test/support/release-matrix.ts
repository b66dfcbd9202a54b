/** Every system call of a release fails once in every way; after each, nothing may be lost and nothing hidden. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { constants } from 'node:os'
import type { NativeError, NativeFault, NativeReleaseResult } from '#lib/native.js'
import { counting } from './raw-engine.js'
import { openRelease, type Released, type ReleaseEngine } from './release-world.js'

/** One release that is done again and again, each time with another fault. */
export interface ReleaseScenario {
  /** Puts everything back to where it was before. */
  reset(): void
  run(engine: ReleaseEngine): Promise<Released>
  /** Checks what is on the disk against what was reported. */
  check(released: Released): void
  /** Faults of the scenario itself, behind the injected one. */
  readonly faults?: readonly NativeFault[]
  /** An error's `path` must begin with one of these. */
  readonly roots: readonly string[]
}

/** What a matrix did. */
export interface ReleaseCoverage {
  readonly cases: number
  /** Calls that were made without a fault. */
  readonly calls: Readonly<Record<string, number>>
  readonly outcomes: readonly NativeReleaseResult['outcome'][]
}

const transferring = ['pread', 'getdents64']
/** Calls whose failure costs a time stamp only, or nothing at all. */
const hints = ['setfl']
const errors = ['EIO', 'ENOSPC', 'EMFILE', 'EINTR']

/** Runs the whole matrix. Throws at the first case that is wrong, and names it. */
export async function releaseMatrix(scenario: ReleaseScenario): Promise<ReleaseCoverage> {
  const plain = await one(scenario, undefined)
  let cases = 0
  for (const [call, count] of Object.entries(plain.calls)) {
    if (hints.includes(call)) continue
    const effects = call === 'pread' ? [...errors, 'short', 'zero'] : errors
    for (const effect of effects) {
      for (const times of [1, -1] as const) {
        // What can't be removed at all can't be gone.
        if (times === -1 && (call === 'unlinkat' || !['EIO', 'EINTR', 'zero'].includes(effect))) continue
        for (let at = 1; at <= count; ++at) {
          const fault: NativeFault = { call, effect, at, times }
          try {
            const { released } = await one(scenario, fault)
            judge(scenario, fault, released, plain.released)
          } catch (error) {
            const last = times < 0 ? ' for ever' : ''
            throw new Error(`${call} #${at} of ${count}: ${effect}${last}: ${error}`, { cause: error })
          }
          ++cases
        }
      }
    }
  }
  return { cases, calls: plain.calls, outcomes: plain.released.results.map(({ outcome }) => outcome) }
}

async function one(
  scenario: ReleaseScenario,
  fault: NativeFault | undefined,
): Promise<{ released: Released; calls: Record<string, number> }> {
  scenario.reset()
  const descriptors = openDescriptors()
  const engine = openRelease({ faults: [...(fault ? [fault] : []), ...(scenario.faults ?? []), counting] })
  const released = await scenario.run(engine)
  const calls = Object.fromEntries(Object.entries(engine.calls()).filter(([, count]) => count > 0))
  await engine.close()
  assert.equal(engine.threads(), 0, 'threads left')
  assert.deepEqual(openDescriptors(), descriptors, 'descriptors left')
  scenario.check(released)
  return { released, calls }
}

/** Whether what was reported fits the fault. */
function judge(scenario: ReleaseScenario, fault: NativeFault, released: Released, plain: Released): void {
  const usual = failures(plain).map(inShort)
  const odd = failures(released).filter((error) => !usual.includes(inShort(error)))
  const passes = transferring.includes(fault.call) && fault.effect === 'short'
  if (fault.times !== -1 && (fault.effect === 'EINTR' || passes)) {
    assert.deepEqual(outcomes(released), outcomes(plain), 'it must not show')
    assert.deepEqual(odd, [], 'it must not show')
  }
  if (odd.length === 0) assert.deepEqual(outcomes(released), outcomes(plain))
  for (const error of odd) judgeError(scenario, fault, error)
}

const outcomes = ({ results }: Released): string[] => results.map(({ index, outcome }) => `${index} ${outcome}`)

function failures({ results, done }: Released): NativeError[] {
  return [...results.flatMap(({ error }) => (error ? [error] : [])), ...(done.error ? [done.error] : [])]
}

const inShort = ({ code, path }: NativeError): string => `${code} ${path}`

function judgeError({ roots }: ReleaseScenario, fault: NativeFault, error: NativeError): void {
  const told = JSON.stringify(error)
  if (fault.effect === 'zero' || fault.effect === 'short') {
    assert.equal(error.code, 'ERR_SUSTEN_SHORT', told)
  } else {
    assert.equal(error.code, fault.effect, told)
    assert.equal(error.errno, constants.errno[fault.effect as keyof typeof constants.errno], told)
    assert.equal(error.syscall, fault.call, told)
  }
  assert.ok(
    roots.some((root) => error.path === root || error.path.startsWith(`${root}/`)),
    told,
  )
}

/** Numbers of the open descriptors of this process. */
function openDescriptors(): string[] {
  return readdirSync('/proc/self/fd').sort()
}
