import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tellsRestart } from '#lib/systemd/restarting.js'

const known = {
  groups: '1:name=systemd:/system.slice/grimsel.service\n0::/system.slice/grimsel.service\n',
  version: 'systemd 252 (252.39-1~deb12u2)\n+PAM +AUDIT\n',
  jobs: ' 99 other.service stop running\n101 grimsel.service restart running\n',
}

test('a service is restarted if systemd has that job for it, and for no other', () => {
  assert.equal(tellsRestart(known), true)
  assert.equal(tellsRestart({ ...known, groups: '0::/system.slice/furka.service\n' }), false)
  assert.equal(tellsRestart({ ...known, jobs: '101 grimsel.service stop running\n' }), false)
  assert.equal(tellsRestart({ ...known, jobs: '101 my-grimsel.service restart running\n' }), false)
})

test('nothing is promised where it cannot be told, or systemd would let go of a pipe without writers', () => {
  assert.equal(tellsRestart({ ...known, groups: '0::/user.slice/session-1.scope\n' }), false)
  assert.equal(tellsRestart({ ...known, jobs: '' }), false)
  assert.equal(tellsRestart({ ...known, version: '' }), false)
  assert.equal(tellsRestart({ ...known, version: 'systemd 245 (245.4-4ubuntu3)\n' }), false)
  assert.equal(tellsRestart({ ...known, version: 'systemd 246 (246.1)\n' }), true)
})
