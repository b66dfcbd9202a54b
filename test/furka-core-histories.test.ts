/** Furka's decisions in random histories: nothing is removed too early, nothing is lost, everything comes to its end. */
import { test } from 'node:test'
import { runHistory } from './support/furka-core-world.js'

const histories = 400

for (const confirm of ['internal', 'buffer'] as const) {
  for (const exact of [true, false]) {
    const how = `${confirm}, ${exact ? 'exact versions' : 'versions that are sizes'}`
    test(`whatever fails, nothing is lost or removed too early: confirmed on ${how}`, () => {
      for (let seed = 1; seed <= histories; seed++) {
        run({ seed, confirm, grimsel: 'answers', exact, powerCuts: seed % 2 === 0 })
      }
    })
  }
}

test('whatever fails, nothing is lost with a Grimsel that only listens, and without one', () => {
  for (const grimsel of ['listens', 'none'] as const) {
    for (let seed = 1; seed <= histories; seed++) {
      run({ seed, confirm: 'buffer', grimsel, exact: true, powerCuts: false })
    }
  }
})

test('whatever fails, nothing is lost where Grimsel and the confirm tier are others after restarts', () => {
  for (const powerCuts of [true, false]) {
    for (let seed = 1; seed <= histories; seed++) {
      run({ seed, confirm: 'buffer', grimsel: 'none', exact: true, powerCuts, reconfigured: true })
    }
  }
})

function run(options: Parameters<typeof runHistory>[0]): void {
  try {
    runHistory(options, 400)
  } catch (error) {
    throw new Error(`history ${JSON.stringify(options)}`, { cause: error })
  }
}
