/** Histories: drawn from a seed, run, and made shorter where one fails. */
import fc from 'fast-check'
import { createRandom } from '../support/random.js'
import { start } from './crashing.js'
import { drain } from './draining.js'
import { decideSome } from './process.js'
import { act, type Step, type StepName, weights } from './steps.js'
import { checkOwed } from './truth.js'
import { createWorld, note, type Parts, running, type Setup, soundParts, type World } from './world.js'

/** What one seed stands for. */
export interface History {
  readonly setup: Setup
  readonly steps: readonly Step[]
}

const plain = { noNullPrototype: true } as const

const setups = fc.record<Setup>(
  {
    policy: fc.constantFrom('grimsel', 'grimsel', 'deleteAfterCopy', 'leastRecentlyRead', 'keepSeries', 'hostile'),
    shape: fc.constantFrom('pair', 'chain', 'chain', 'mirror'),
    createLinks: fc.constantFrom(true, true, false),
    tierSources: fc.boolean(),
    isRam: fc.boolean(),
    verify: fc.constantFrom(true, true, false),
    paths: fc.constantFrom(4, 12, 40),
    cuts: fc.constantFrom(false, false, false, true),
    tiny: fc.constantFrom(true, true, false),
    segmentBytes: fc.constantFrom(1024, 4096, 65_536),
  },
  plain,
)

const names = (Object.keys(weights) as StepName[]).flatMap((name) => {
  return new Array<StepName>(Math.max(1, Math.round(weights[name] * 10))).fill(name)
})

const step = fc.record<Step>(
  {
    what: fc.constantFrom(...names),
    which: fc.nat(2 ** 20),
    chance: fc.nat(2 ** 30),
  },
  plain,
)

/** The history that a seed stands for, the same every time. */
export function drawHistory(seed: number, length: number): History {
  const histories = fc.tuple(setups, fc.array(step, { minLength: length, maxLength: length, size: 'max' }))
  const [drawn] = fc.sample(fc.noBias(histories), { seed, numRuns: 1 })
  if (drawn === undefined) throw new Error('no history was drawn')
  const [setup, steps] = drawn
  return { setup, steps }
}

/** How a history failed. */
export interface Failed {
  readonly error: unknown
  /** The step in which it did; as many as there are, if afterwards. */
  readonly at: number
  readonly world: World
}

/** Lives through a history; what went wrong, if something did. */
export async function live(
  { setup, steps }: History,
  parts: Parts = soundParts,
  onEnd?: (world: World) => void,
): Promise<Failed | undefined> {
  const world = createWorld(setup, parts, createRandom(setup.paths))
  let at = 0
  try {
    await start(world)
    for (; at < steps.length; at++) {
      const next = steps[at]
      if (next !== undefined) await take(world, next)
    }
    world.random = createRandom(steps.length)
    await drain(world)
    onEnd?.(world)
    return undefined
  } catch (error) {
    return { error, at, world }
  }
}

async function take(world: World, step: Step): Promise<void> {
  world.random = createRandom(step.chance)
  world.now += 1
  note(world, `${step.what} ${step.which}`)
  await act(world, step)
  const process = running(world)
  if (step.what !== 'decideOne' && world.random.chance(0.8)) {
    // What comes up meanwhile is taken in with the next step.
    decideSome(world, process, 1 + world.random.below(12))
  }
  checkOwed(world)
}

/** A shorter history that fails as well, and how; found with at most so many runs. */
export async function shorten(history: History, at: number, parts: Parts = soundParts, runs = 400): Promise<History> {
  const { setup, steps } = history
  let best: readonly Step[] = steps.slice(0, at + 1)
  if ((await live({ setup, steps: best }, parts)) === undefined) return history
  let left = runs
  const property = fc.asyncProperty(fc.array(step, { maxLength: best.length, size: 'max' }), async (tried) => {
    if (left <= 0) return true
    left -= 1
    if ((await live({ setup, steps: tried }, parts)) === undefined) return true
    best = tried
    return false
  })
  await fc.check(property, { examples: [[[...best]]], numRuns: 1 })
  return { setup, steps: best }
}
