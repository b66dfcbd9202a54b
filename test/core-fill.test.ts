import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextReading, tiersOf } from '#lib/core/index.js'
import { chain, pair, type TierDriver, tiered } from './support/core-tiers.js'

const codes = (driver: TierDriver): string[] => driver.messages().map(({ code }) => code)

test('the limit is told once, and again only after the tier was below its low mark', () => {
  const driver = tiered(pair)
  const told: string[] = []
  for (const fill of [0.79, 0.81, 0.78, 0.83, 0.6, 0.82, 0.4, 0.82]) {
    driver.pass(60_000)
    driver.fill(fill)
    told.push(`${fill}: ${codes(driver).filter((code) => code === 'FILLSTATE_LIMIT')}`)
  }
  assert.deepEqual(
    told.filter((line) => line.includes('FILL')),
    ['0.81: FILLSTATE_LIMIT', '0.82: FILLSTATE_LIMIT'],
  )
})

test('inodes count as bytes do', () => {
  const driver = tiered(pair)
  driver.volume({ total: 1000, available: 900, fill: 0.1, inodes: 100, inodeFill: 0.9 }, 'buffer')
  const [message] = driver.messages()
  assert.equal(message?.code, 'FILLSTATE_LIMIT')
  assert.match(message?.text ?? '', /90 % of its inodes/)
})

test('where links are wanted, a lack of inodes alone releases nothing; where files are deleted, it does', () => {
  for (const createLinks of [true, false]) {
    const tiers = pair.tiers?.map((tier) => ({ ...tier, createLinks })) ?? []
    const driver = tiered({ ...pair, tiers })
    driver.arrive('a', 'b')
    driver.settle()
    driver.volume({ total: 1000, available: 900, fill: 0.1, inodes: 100, inodeFill: 0.9 }, 'buffer')
    assert.deepEqual(driver.leaving(), createLinks ? [] : ['a', 'b'])
  }
})

test('a full tier is told once', () => {
  const driver = tiered(pair)
  const told: string[] = []
  for (const fill of [0.99, 1, 1, 0.95, 1, 0.5, 1]) {
    driver.pass(60_000)
    driver.fill(fill)
    told.push(...codes(driver).filter((code) => code === 'DISK_OVERFLOW'))
  }
  assert.equal(told.length, 2)
})

test('a storage that takes no more is told as full once each time, whatever its fill state is', () => {
  for (const config of [pair, chain]) {
    for (const { id } of config.storages ?? []) {
      const driver = tiered(config)
      const told: string[] = []
      const tell = (): void => {
        for (const { code, storage, text } of driver.messages())
          if (code === 'DISK_OVERFLOW') told.push(`${storage}: ${text}`)
      }
      driver.announce('a', 'b')
      driver.settle()
      for (let time = 0; time < 2; time++) {
        driver.failed('a', 'ENOSPC', 'storage', id)
        driver.failed('b', 'ENOSPC', 'storage', id)
        tell()
        // It is tried again, and once more.
        for (let trial = 0; trial < 2; trial++) {
          driver.pass(70_000)
          driver.settle()
          driver.failed('a', 'ENOSPC', 'storage', id)
          driver.failed('b', 'ENOSPC', 'storage', id)
          tell()
        }
        if (time > 0) break
        driver.pass(70_000)
        driver.settle()
        driver.copied('a', { storage: id })
        driver.copied('b', { storage: id })
        driver.pass(1_000_000)
        driver.volume({ fill: 0.3 }, id)
        driver.announce('a', 'b')
        driver.settle()
      }
      assert.equal(told.length, 2, told.join(' '))
      assert.match(told[0] ?? '', new RegExp(`^${id}: /\\S* is full`))
    }
  }
})

/** Seconds of a steady inflow, in bytes a second, into a buffer of 1000 bytes that is read every second. */
function flow(driver: TierDriver, start: number, rate: number, seconds: number): string[] {
  const told: string[] = []
  for (let second = 1; second <= seconds; second++) {
    driver.pass(1000)
    driver.fill(start + (rate * second) / 1000)
    told.push(...driver.messages().map(({ code, text }) => `${code}: ${text}`))
  }
  return told
}

test('an overflow is foreseen when more comes in than is copied, with the seconds left', () => {
  const driver = tiered(pair)
  const told = flow(driver, 0.2, 10, 30)
  const [warning, ...more] = told.filter((text) => text.startsWith('ALMOST_OVERFLOW'))
  const seconds = Number(/in (\d+) s/.exec(warning ?? '')?.[1])
  assert.ok(seconds > 40 && seconds <= 60, warning)
  assert.deepEqual(more, [])
})

test('no overflow is foreseen while copies keep up, or when nothing comes in', () => {
  const driver = tiered(pair)
  const told: string[] = []
  for (let second = 1; second <= 40; second++) {
    driver.pass(1000)
    driver.announce(`f${second}`)
    driver.copied(`f${second}`, { bytes: 12 })
    driver.fill(0.2 + second / 100)
    told.push(...codes(driver))
  }
  assert.deepEqual(told, [])
  assert.equal(tiersOf(driver.state)[0]?.secondsLeft, undefined)
})

test('a forecast begins the release before the limit', () => {
  const driver = tiered(pair)
  driver.arrive('a', 'b')
  driver.settle()
  flow(driver, 0.52, 60, 2)
  assert.ok(tiersOf(driver.state)[0]?.releasing, 'what comes in would fill it within seconds')
  assert.deepEqual(driver.state.tiers[0]?.limited, false)
})

test('under a steady inflow of 80 % of the drain the tier never fills', () => {
  const driver = tiered(pair)
  let used = 200
  let name = 0
  let most = 0
  for (let second = 0; second < 600; second++) {
    driver.pass(1000)
    for (let i = 0; i < 8; i++) {
      name += 1
      used += 10
      driver.announce(`f${name}`)
      driver.copyTo('disk', `f${name}`)
    }
    driver.fill(used / 1000)
    most = Math.max(most, used)
    // At most 10 files a second are given back.
    let drained = 0
    for (const release of driver.settle()) {
      for (const { path } of release.files) {
        drained += 1
        driver.release(path, drained <= 10 ? 'released' : 'busy')
        if (drained <= 10) used -= 10
      }
    }
  }
  assert.ok(most < 1000, `${most} of 1000 bytes at the most`)
})

test('a tier is read again the sooner the faster it fills, announced or not', () => {
  const driver = tiered(pair)
  const next = (): number => nextReading(driver.state, 'buffer')
  driver.fill(0.2)
  assert.equal(next(), Number.POSITIVE_INFINITY)
  driver.pass(1000)
  driver.fill(0.21)
  // Full in 79 s, as long as this goes on.
  assert.equal(Math.round(next()), 9875)
  driver.pass(1000)
  driver.fill(0.25)
  assert.equal(Math.round(next()), 2344)
  driver.pass(60_000)
  driver.fill(0.25)
  assert.equal(next(), Number.POSITIVE_INFINITY)
  driver.arrive(...Array.from({ length: 50 }, (_, i) => `f${i}`))
  assert.equal(next(), 250)
})
