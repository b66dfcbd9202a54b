import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoragePolicy } from '#lib/policy/index.js'
import { ready } from './support/core-driver.js'
import { bytes } from './support/core-world.js'

test('of many messages of one kind the first is told at once, the others as one with a count', () => {
  const driver = ready()
  const names = Array.from({ length: 1000 }, (_, i) => `f${i}`)
  for (const name of names) {
    driver.announce(name)
    driver.failed(name, 'ENOENT', 'source')
  }
  const [first, ...more] = driver.messages()
  assert.deepEqual([first?.code, first?.count, first?.subject, more], ['COPY_ERROR', 1, '/source/f0:/disk/f0', []])
  driver.pass(10_000)
  const [rest, ...none] = driver.messages()
  assert.deepEqual([rest?.count, rest?.subject, none], [999, '/source/f999:/disk/f999', []])
})

test('messages of different reasons are told apart', () => {
  const driver = ready()
  driver.announce('a', 'b')
  driver.failed('a', 'ENOENT', 'source')
  driver.failed('b', 'ENOTDIR', 'source')
  assert.equal(driver.messages().length, 2)
})

test('a flood that goes on is told less and less often', () => {
  const driver = ready()
  let told = 0
  for (let second = 0; second < 3600; second++) {
    driver.announce(`f${second}`)
    driver.failed(`f${second}`, 'ENOENT', 'source')
    driver.pass(1000)
    told += driver.messages().length
  }
  assert.ok(told >= 5 && told <= 15, `told ${told} times in an hour`)
})

test('after a quiet while a message is told at once again', () => {
  const driver = ready()
  driver.announce('a')
  driver.failed('a', 'ENOENT', 'source')
  driver.pass(10_000)
  driver.messages()
  driver.announce('b')
  driver.failed('b', 'ENOENT', 'source')
  assert.equal(driver.messages().length, 1)
})

test('a collision is told with the name that the older content has now', () => {
  const driver = ready()
  driver.announce('run/a')
  driver.copied('run/a', { outcome: 'versioned', version: bytes('run/a.~1~') })
  const [message] = driver.messages()
  assert.deepEqual([message?.code, message?.subject], ['COLLISION', '/disk/run/a'])
  assert.match(message?.text ?? '', /kept as run\/a\.~1~/)
})

test('a core with nothing to wait for asks for no wake', () => {
  const driver = ready()
  driver.announce('a')
  driver.copied('a')
  assert.equal(driver.state.wake, Number.POSITIVE_INFINITY)
})

test('a timer that goes off early is set again', () => {
  const driver = ready()
  driver.announce('a')
  driver.failed('a', 'EACCES')
  const due = driver.state.wake
  driver.take('wake')
  driver.now = due - 1
  driver.feed({ type: 'tick' })
  assert.deepEqual(driver.take('wake'), [{ type: 'wake', at: due }])
})

const storages = [
  { id: 'disk', type: 'internal', target: bytes('/disk') },
  { id: 'gpfs', type: 'external', target: bytes('/gpfs') },
] as const

const wrong: Record<string, [StoragePolicy['storages'], RegExp]> = {
  'that throws': [
    () => {
      throw new Error('oops')
    },
    /storages\(\) threw oops/,
  ],
  'that throws nonsense': [
    () => {
      throw Object.create(null)
    },
    /storages\(\) threw something that can't be shown \(object\)/,
  ],
  'that names no storage': [() => [], /the file would go to no storage/],
  'that names an unknown storage only': [() => ['tape'], /there is no storage 'tape'/],
  'whose answer is no list': [() => 'disk' as unknown as string[], /storages\(\) threw/],
  'whose answer holds what is no name': [() => [Object.create(null) as string], /storages\(\) threw/],
}
for (const [what, [answer, text]] of Object.entries(wrong)) {
  test(`a policy ${what} is overruled, and that is told`, () => {
    const policy: StoragePolicy = { name: 'odd', ...(answer === undefined ? {} : { storages: answer }) }
    const driver = ready({ storages, policy })
    driver.announce('a')
    assert.deepEqual([driver.copy('a')?.state, driver.copy('a', 'gpfs')?.state], ['pending', 'pending'])
    const [message] = driver.messages()
    assert.equal(message?.code, 'POLICY')
    assert.match(message?.text ?? '', text)
  })
}

test('a policy decides where a file goes; an unknown storage among others is left out, and told', () => {
  const policy: StoragePolicy = { name: 'choosy', storages: () => ['gpfs', 'tape'] }
  const driver = ready({ storages, policy })
  driver.announce('a')
  assert.deepEqual([driver.copy('a'), driver.copy('a', 'gpfs')?.state], [undefined, 'pending'])
  assert.equal(driver.messages().length, 1)
})

test('a policy decides when a copy is tried again, and when it is given up', () => {
  const policy: StoragePolicy = { name: 'stubborn', retry: ({ attempts }) => (attempts < 20 ? 100 : 'give-up') }
  const driver = ready({ policy })
  driver.announce('a')
  for (let i = 0; i < 19; i++) {
    driver.failed('a', 'EACCES')
    driver.pass(100)
  }
  assert.deepEqual([driver.copy('a')?.state, driver.copy('a')?.attempts], ['pending', 19])
  driver.failed('a', 'EACCES')
  assert.equal(driver.copy('a')?.state, 'failed')
})

for (const wait of [-1, Number.NaN, 3_600_001, Number.POSITIVE_INFINITY, 'soon', {}]) {
  test(`a policy that asks for a wait of ${String(wait)} is overruled`, () => {
    const driver = ready({ policy: { name: 'odd', retry: () => wait as number } })
    driver.announce('a')
    driver.failed('a', 'EACCES')
    assert.equal(driver.copy('a')?.state, 'pending')
    assert.ok(driver.messages().some(({ code }) => code === 'POLICY'))
    driver.pass(1000)
    assert.deepEqual(driver.ordered(), ['a'])
  })
}

test('a policy that wants no wait gets a short one', () => {
  const driver = ready({ policy: { name: 'hasty', retry: () => 0 } })
  driver.announce('a')
  driver.take('copy')
  driver.failed('a', 'EACCES')
  assert.deepEqual(driver.ordered(), [])
  driver.pass(10)
  assert.deepEqual(driver.ordered(), ['a'])
})
