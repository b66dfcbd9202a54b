/** Every system call of a copy fails once in every way; after each the world must be in order. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { constants } from 'node:os'
import type { NativeError, NativeFault, NativeFileResult } from '#lib/native.js'
import { counting, type Finished, openRaw, type RawEngine } from './raw-engine.js'

/** One copy that is done again and again, each time with another fault. */
export interface FaultWorld {
  /** Puts everything back to where it was before the copy. */
  reset(): void
  /** Does the copy. */
  run(engine: RawEngine): Promise<Finished>
  /** Checks what is on the disk against what was reported. */
  check(finished: Finished): void
  /** Faults of the scenario itself, such as those that force another path. They go behind the injected one. */
  readonly faults?: readonly NativeFault[]
  /** Where a failure may have happened: an error's `path` must begin with one of these. */
  readonly roots: readonly string[]
}

const transferring = ['read', 'pread', 'write', 'pwrite', 'sendfile', 'copy_file_range']
/** Calls whose failure costs time, or a time stamp: the copy goes on as if they weren't there. */
const hints = ['setfl']
const errors = ['EIO', 'ENOSPC', 'EMFILE', 'EINTR']

/** What a matrix did. */
export interface Coverage {
  /** Faults injected. */
  readonly cases: number
  /** Calls that were made without a fault. */
  readonly calls: Readonly<Record<string, number>>
  /** What became of each file without a fault. */
  readonly outcomes: readonly NativeFileResult['outcome'][]
}

export interface MatrixOptions {
  /** Effects to try; default all. */
  readonly effects?: readonly string[]
  /** How long each lasts: `1` for one call, `-1` for ever. Default once, and for ever what tells most then. */
  readonly times?: readonly (1 | -1)[]
}

/** Runs the whole matrix over a world. Throws at the first case that is wrong, and names it. */
export async function faultMatrix(world: FaultWorld, options: MatrixOptions = {}): Promise<Coverage> {
  const plain = await one(world, undefined)
  let cases = 0
  for (const [call, count] of Object.entries(plain.calls)) {
    if (hints.includes(call)) continue
    for (const effect of options.effects ?? effectsOf(call)) {
      for (const times of options.times ?? ([1, -1] as const)) {
        if (times === -1 && !mayFailForEver(call, effect, options)) continue
        for (let at = 1; at <= count; ++at) {
          const fault: NativeFault = { call, effect, at, times }
          try {
            const { finished } = await one(world, fault)
            judge(world, fault, finished, plain.finished)
          } catch (error) {
            throw new Error(`${call} #${at} of ${count}: ${effect}${times < 0 ? ' for ever' : ''}: ${error}`, {
              cause: error,
            })
          }
          ++cases
        }
      }
    }
  }
  return { cases, calls: plain.calls, outcomes: plain.finished.files.map((file) => file.outcome) }
}

function effectsOf(call: string): readonly string[] {
  return transferring.includes(call) ? [...errors, 'short', 'zero'] : errors
}

function mayFailForEver(call: string, effect: string, { times }: MatrixOptions): boolean {
  if (call === 'unlinkat') return false // where a temp file can't be removed at all, it can't be gone
  return times !== undefined || effect === 'EIO' || effect === 'EINTR' || effect === 'zero'
}

async function one(
  world: FaultWorld,
  fault: NativeFault | undefined,
): Promise<{ finished: Finished; calls: Record<string, number> }> {
  world.reset()
  const descriptors = openDescriptors()
  const engine = openRaw({ faults: [...(fault ? [fault, ...behind(fault, world)] : (world.faults ?? [])), counting] })
  const finished = await world.run(engine)
  const calls = Object.fromEntries(Object.entries(engine.calls()).filter(([, count]) => count > 0))
  await engine.close()
  assert.equal(engine.threads(), 0, 'threads left')
  assert.deepEqual(openDescriptors(), descriptors, 'descriptors left')
  world.check(finished)
  return { finished, calls }
}

/** The scenario's own faults, which move by one where an interrupted call before them is made twice. */
function behind(fault: NativeFault, { faults = [] }: FaultWorld): NativeFault[] {
  const { call, effect, at = 1, times } = fault
  const again = effect === 'EINTR' && times === 1
  return faults.map((own) =>
    again && own.call === call && (own.at ?? 1) >= at ? { ...own, at: (own.at ?? 1) + 1 } : own,
  )
}

/** Whether what was reported fits the fault. */
function judge(world: FaultWorld, fault: NativeFault, finished: Finished, plain: Finished): void {
  const usual = failures(plain).map(inShort)
  const odd = failures(finished).filter((error) => !usual.includes(inShort(error)))
  if (fault.times !== -1 && (fault.effect === 'EINTR' || fault.effect === 'short')) {
    assert.deepEqual(finished.files.map(outcome).sort(), plain.files.map(outcome).sort(), 'it must not show')
    assert.deepEqual(odd, [], 'it must not show')
  }
  if (odd.length === 0) {
    assert.equal(finished.files.length, plain.files.length)
    for (const file of finished.files) {
      const was = plain.files.find(({ index, name }) => index === file.index && name === file.name)
      assert.ok(
        was !== undefined && asGoodAs[was.outcome].includes(file.outcome),
        `${was?.outcome}, now ${file.outcome}`,
      )
    }
  }
  for (const error of odd) judgeError(world, fault, error)
}

/** What can't be looked at is copied again, and what can't be compared is kept: it costs, but loses nothing. */
const asGoodAs: Record<NativeFileResult['outcome'], readonly NativeFileResult['outcome'][]> = {
  created: ['created'],
  replaced: ['replaced', 'versioned'],
  unchanged: ['unchanged', 'replaced', 'versioned'],
  versioned: ['versioned'],
  skipped: ['skipped'],
  failed: ['failed'],
}

function failures({ files, done }: Finished): NativeError[] {
  return [...files.flatMap(({ error }) => (error ? [error] : [])), ...(done.error ? [done.error] : [])]
}

const inShort = ({ code, path }: NativeError): string => `${code} ${path}`

const outcome = ({ index, name, outcome }: NativeFileResult): string => `${index}${name} ${outcome}`

function judgeError(world: FaultWorld, fault: NativeFault, error: NativeError): void {
  const told = JSON.stringify(error)
  if (fault.effect === 'zero' || fault.effect === 'short') {
    assert.equal(error.code, 'ERR_SUSTEN_SHORT', told)
    assert.equal(error.errno, 0, told)
  } else {
    assert.equal(error.code, fault.effect, told)
    assert.equal(error.errno, constants.errno[fault.effect as keyof typeof constants.errno], told)
    assert.equal(error.syscall, fault.call, told)
  }
  assert.ok(
    world.roots.some((root) => error.path === root || error.path.startsWith(`${root}/`)),
    told,
  )
}

/** Numbers of the open descriptors of this process. */
function openDescriptors(): string[] {
  return readdirSync('/proc/self/fd').sort()
}
