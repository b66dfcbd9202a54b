import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Command, createState, decide } from '#lib/furka/core/index.js'

const nobody = { uid: 0, gid: 0, userDirectory: '' }
const failure = { code: 'ECONNREFUSED', errno: 0, syscall: 'connect', text: 'nobody listens' }

test('the last word on a source is how it is, however often that changed', () => {
  const sources = [{ id: 'dcu', target: '/ram', connections: 1 }]
  const config = { sources, grimsel: 'none', grimselPlace: '', confirm: 'buffer' } as const
  const state = createState(config, 0, { turns: [], files: [] }, nobody)
  const told: string[] = []
  const take = (commands: readonly Command[]): void => {
    for (const command of commands) {
      const notices = command.type === 'journal' ? command.notices : command.type === 'tell' ? [command.notice] : []
      for (const notice of notices) if (notice.type === 'message') told.push(notice.message.code)
    }
  }
  /** Down at these times, and up at those between. */
  const changes = [0, 11_000, 12_000, 13_000, 14_000, 15_000, 16_000]
  for (let at = 0; at <= 60_000; at += 500) {
    const index = changes.indexOf(at)
    const available = index % 2 === 1
    const event = { type: 'source', at, source: 'dcu', available, failure: available ? undefined : failure } as const
    take(decide(state, [index < 0 ? { type: 'tick', at } : event]))
  }
  assert.deepEqual(told.slice(0, 3), ['SOURCE_UNAVAILABLE', 'SOURCE_BACK', 'SOURCE_UNAVAILABLE'])
  assert.equal(told.at(-1), 'SOURCE_UNAVAILABLE')
  assert.equal(told.filter((code) => code === 'SOURCE_BACK').length, 1)
})
