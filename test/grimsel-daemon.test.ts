import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SustenError } from 'susten'
import type { ByteString } from '#lib/bytes.js'
import { announce } from '#lib/grimsel/daemon/announce.js'
import { portMessage } from '#lib/grimsel/daemon/messages.js'
import { grimselOptions } from '#lib/grimsel/daemon/options.js'
import { createProgress } from '#lib/grimsel/daemon/progress.js'
import { statusEntries } from '#lib/grimsel/daemon/shifts.js'
import type { GrimselStatus } from '#lib/grimsel/index.js'
import { parse } from './support/grimsel-config.js'

const text = `ramdisk_mountpoint /ram
buffer_directory /ram/buffer
fillstate_limit 70
create_links NO
preserve_gid NO
history_max_entries 7
storageID a:1
type INTERNAL
target /data/./raw
n_copy_processes 3
required_mount /data
storageID b
type EXTERNAL
target /gpfs
n_copy_processes 4
verify NONE
durability EACH
`

test('the configuration becomes the options of a Grimsel', () => {
  const config = parse(text)
  assert.deepEqual(grimselOptions(config), {
    buffer: { directory: '/ram/buffer', mountPoint: '/ram' },
    space: { limit: 0.7, lowWater: 0.6, createLinks: false },
    storages: [
      {
        id: 'a:1',
        type: 'internal',
        target: '/data/./raw',
        mountPoint: '/data',
        concurrency: 3,
        verify: 'inline',
        durability: 'batch',
        preserve: { gid: 'off' },
      },
      {
        id: 'b',
        type: 'external',
        target: '/gpfs',
        concurrency: 4,
        verify: 'none',
        durability: 'each',
        preserve: { gid: 'off' },
      },
    ],
    journal: config.journalDirectory,
    history: 7,
  })
})

test('messages keep their short text; the two paths of a copy are told apart, whatever colons they have', () => {
  const config = parse(text)
  const about = { type: 'message', severity: 'error', text: 'A sentence.', count: 2, first: 1, last: 5 } as const
  const published = (subject: string) =>
    portMessage(config, { ...about, code: 'COPY_ERROR', storage: 'a:1', subject })?.shortmessage
  assert.deepEqual(published('/ram/buffer/x/y:/data/raw/x/y'), { source: '/ram/buffer/x/y', dest: '/data/raw/x/y' })
  const tricky = ['/ram/buffer/:/data/raw/:/data/raw/', '/data/raw/:/data/raw/:/data/raw/'].map((name) => `${name}z`)
  assert.deepEqual(published(tricky.join(':')), { source: tricky[0], dest: tricky[1] })
  assert.equal(published('something else'), 'something else')
  const subjectBytes = Buffer.from('/ram/buffer/\xff:/data/raw/\xff', 'latin1')
  const message = {
    ...about,
    code: 'COPY_ERROR',
    storage: 'a:1',
    subject: '/ram/buffer/\ufffd:/data/raw/\ufffd',
  } as const
  assert.deepEqual(portMessage(config, { ...message, subjectBytes })?.shortmessage, {
    source: Buffer.from('/ram/buffer/\xff', 'latin1'),
    dest: Buffer.from('/data/raw/\xff', 'latin1'),
  })
  assert.deepEqual(portMessage(config, { ...about, code: 'DISK_OVERFLOW', subject: '/ram' }), {
    name: 'DISK_OVERFLOW',
    shortmessage: '/ram',
    longmessage: 'A sentence.',
    time: 5,
    count: 2,
  })
  assert.equal(portMessage(config, { ...about, code: 'SCAN_ERROR', subject: '/ram' }), undefined)
})

test('a wrong path holds up no other', async () => {
  const added: string[] = []
  const grimsel = {
    async add(paths: unknown) {
      for (const path of paths as Buffer[]) added.push(path.toString('latin1'))
    },
  }
  const paths = ['/ram/buffer/a', '/etc/passwd', '', '/ram/buffer/../x', 'b', '/ram/buffer/\xff'] as ByteString[]
  const refused = await announce(grimsel, '/ram/buffer', paths)
  assert.deepEqual(added, ['/ram/buffer/a', 'b', '/ram/buffer/\xff'])
  assert.deepEqual(
    refused.map(({ path }) => path),
    ['/etc/passwd', '', '/ram/buffer/../x'],
  )
  const closed = new SustenError('closed', { code: 'ERR_SUSTEN_CLOSED' })
  await assert.rejects(announce({ add: () => Promise.reject(closed) }, '/ram/buffer', paths), closed)
})

test('it gets on as long as the journal takes what is announced', () => {
  let [announcing, bytes] = [0, 10]
  const status = () => ({ announcing, journal: { directory: '', records: 1, bytes } }) as GrimselStatus
  const getsOn = createProgress(status)
  assert.deepEqual([getsOn(), getsOn()], [true, true])
  announcing = 5
  assert.deepEqual([getsOn(), getsOn(), getsOn()], [true, false, false])
  bytes = 20
  assert.deepEqual([getsOn(), getsOn()], [true, false])
  announcing = 0
  assert.equal(getsOn(), true)
})

test('the status has an entry for each shift and storage, the newest shift first', () => {
  const storages = [{ storage: 'a:1', pending: 1, copied: 2, failed: 3, bytes: 4 }]
  const shift = (number: number) => ({ number, uid: number, gid: 5, started: 100 * number, tiers: [], storages })
  const status = { shifts: [shift(3), shift(2), shift(1)] } as unknown as GrimselStatus
  const entry = (number: number) => ({
    usertime: 100 * number,
    uid: number,
    gid: 5,
    storage: 'a:1',
    pending: 1,
    copied: 2,
    failed: 3,
  })
  assert.deepEqual(statusEntries(status), [[entry(3)], [entry(2)], [entry(1)]])
})
