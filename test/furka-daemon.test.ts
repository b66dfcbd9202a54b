import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SustenError } from 'susten'
import { blamed } from '#lib/furka/daemon/blame.js'
import { furkaOptions } from '#lib/furka/daemon/options.js'
import { logFigures, summaryOf } from '#lib/furka/daemon/summary.js'
import type { FurkaSourceStatus, FurkaStatus } from '#lib/furka/types.js'
import type { Fields, Log } from '#lib/log/index.js'
import { parse, parseJson } from './support/furka-config.js'

const lines = `uid 7
gid 8
usrdir $UID
required_mount /ramdisk
journal_directory /var/j
confirm EXTERNAL
detectorID 16M
protocol FILEWRITER
remoteIP fd00::1
port 8080
connections 3
stall_timeout 4000
target /ramdisk/./16m
detectorID 1M
protocol FILEWRITER
remoteIP dcu.example.org
https YES
api_version 1.6.0
target /ramdisk/./1m
`

test('the configuration becomes the options of a Furka', () => {
  const { sources, ...options } = furkaOptions(parse(lines), { uid: 9 })
  assert.deepEqual(
    sources.map(({ source, ...rest }) => ({ id: source.id, ...rest })),
    [
      { id: '16M', target: '/ramdisk/./16m', connections: 3, stallTimeout: 4000 },
      { id: '1M', target: '/ramdisk/./1m', connections: 4, stallTimeout: 30_000 },
    ],
  )
  assert.deepEqual(options, {
    journal: '/var/j',
    defaultUser: { uid: 7, gid: 8, userDirectory: '$UID' },
    user: { uid: 9 },
    grimsel: { control: '/var/run/grimsel_dectris_control' },
    confirm: 'external',
    requiredMount: '/ramdisk',
  })
  const { grimsel: pipe, confirm } = furkaOptions(parseJson({ GRIMSEL: 'PIPE', GRIMSEL_PIPE: '/p' }), undefined)
  assert.deepEqual([pipe, confirm], [{ pipe: '/p' }, 'buffer'])
  assert.equal(furkaOptions(parseJson({ GRIMSEL: 'NONE' }), undefined).grimsel, undefined)
})

test('an error at the start names the key of the form that was read', () => {
  const about = (path: string, code = 'ENOENT') => new SustenError(`${code}: open '${path}'`, { code, path })
  const conf = { config: parse(lines), form: 'conf' } as const
  const json = { config: parseJson({ JOURNAL_DIR: '/var/j', TARGET_DIR: '/buf/./x' }), form: 'json' } as const
  const key = (loaded: typeof conf | typeof json, error: SustenError): string =>
    /^(\S+): E/.exec((blamed(loaded, error) as Error).message)?.[1] ?? ''
  assert.equal(key(conf, about('/var/j/1')), 'journal_directory')
  assert.equal(key(json, about('/elsewhere', 'ERR_SUSTEN_JOURNAL_DAMAGED')), 'JOURNAL_DIR')
  assert.equal(key(conf, about('/ramdisk')), 'required_mount')
  assert.equal(key(conf, about('/ramdisk/16m')), 'target')
  assert.equal(key(json, about('/buf')), 'TARGET_DIR')
  assert.equal(key(json, about('/other')), '')
})

const source: FurkaSourceStatus = {
  id: '16M',
  target: '/ramdisk/./16m',
  available: true,
  details: {},
  waiting: 0,
  receiving: 0,
  unannounced: 0,
  unconfirmed: 0,
  removing: 0,
  kept: 0,
  failing: 0,
  received: 0,
  bytes: 0,
  removed: 0,
  lost: 0,
  refused: 0,
  rate: 0,
}

const status = (sources: readonly FurkaSourceStatus[], grimsel: FurkaStatus['grimsel']): FurkaStatus => ({
  user: { uid: 5, gid: 6, userDirectory: '', turn: 1, since: 0, told: true },
  confirm: 'buffer',
  sources,
  grimsel,
  journal: { directory: '/j', records: 0, bytes: 0 },
})

test('one line says how things are', () => {
  const none = { by: 'none', available: true } as const
  assert.equal(summaryOf(status([source], none)), '0 files to receive; 0.0 MB/s; files of uid 5')
  const busy = { ...source, waiting: 3, receiving: 4, unannounced: 1, unconfirmed: 2, failing: 1, rate: 250e6 }
  const gone = { ...source, id: '1M', available: false, blocked: { code: 'ENOSPC', message: 'full' } }
  assert.equal(
    summaryOf(status([busy, gone], { by: 'control', path: '/c', available: false })),
    "7 files to receive; 3 not yet safe; 1 failing; 250.0 MB/s; files of uid 5; unavailable: 1M; nowhere to write to for: 1M; Grimsel isn't there",
  )
})

test('the log has what every detector did since it was last told, and nothing of those that did nothing', () => {
  const told: Fields[] = []
  const log = { info: (fields: Fields) => told.push(fields) } as unknown as Log
  let current = [source, { ...source, id: '1M', received: 2, bytes: 10, waiting: 1 }]
  const end = logFigures(() => status(current, { by: 'none', available: true }), log)
  end()
  current = [source, { ...source, id: '1M', received: 5, bytes: 30, removed: 5 }]
  end()
  end()
  const line = { event: 'figures', source: '1M', lost: 0, refused: 0, latency: undefined }
  assert.deepEqual(told, [
    { ...line, received: 2, bytes: 10, removed: 0, waiting: 1 },
    { ...line, received: 3, bytes: 20, removed: 5 },
  ])
})
