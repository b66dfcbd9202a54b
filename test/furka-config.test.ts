import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { defaults } from '#lib/furka/config/keys.js'
import { checkSimplon } from '#lib/source/simplon/options.js'
import { least, leastJson, notesOf, parse, parseJson } from './support/furka-config.js'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

const usual = {
  logfile: '/var/log/furka_dectris.log',
  logfileMaxNumber: 10,
  logfileMaxSize: 10_485_760,
  requiredMount: undefined,
  journalDirectory: '/var/lib/susten/furka',
  controlSocket: '/var/run/furka_dectris_control',
  grimsel: { by: 'control', path: '/var/run/grimsel_dectris_control' },
  confirm: 'internal',
}

const eiger = {
  protocol: 'filewriter',
  host: '10.42.41.10',
  port: 80,
  https: false,
  apiVersion: undefined,
  poll: { arriving: 50, acquiring: 100, idle: 300 },
  connections: 4,
  stallTimeout: 30_000,
}

const pilatus = {
  protocol: 'rsync',
  host: '10.0.0.1',
  port: 49_371,
  module: 'ramdisk',
  path: '/',
  minPause: 10,
  interrunPause: 500,
  staging: '/run/furka_dectris',
  stallTimeout: 30_000,
}

test('what is not given has its default, in the JSON form', () => {
  assert.deepEqual(parseJson(), {
    ...usual,
    user: { uid: 0, gid: 0, userDirectory: '' },
    detectors: [{ id: 'EIGER', source: eiger, target: '/mnt/data_buffer' }],
  })
})

test('what is not given has its default, in the form with sections', () => {
  assert.deepEqual(parse(least), {
    ...usual,
    user: { uid: 500, gid: 500, userDirectory: '$UID_$GID' },
    detectors: [{ id: '1MF', source: pilatus, target: '/ramdisk' }],
  })
})

test("the file that the vendor ships with FURKA-EPU is a configuration, and says what susten's defaults say", () => {
  const shipped = `{
  "EIGER_HOST": "10.42.41.10",
  "GID": 0,
  "LOG_FILE": "/var/log/furka_dectris.log",
  "TARGET_DIR": "/mnt/data_buffer",
  "UID": 0,
  "USER_DIR": ""
}
`
  assert.deepEqual(parse(shipped, '/etc/furka_dectris.json'), parseJson())
  assert.deepEqual(notesOf(shipped), [])
})

test('every key of the JSON form has its place in the result', () => {
  const config = parseJson({
    EIGER_HOST: 'dcu.p11.local:8443',
    GID: 4_294_967_294,
    LOG_FILE: '/log/furka',
    TARGET_DIR: '/ramdisk/./p11',
    UID: 1000,
    USER_DIR: 'visits/$UID_$GID/raw',
    LOG_FILE_MAX_NUMBER: 0,
    LOG_FILE_MAX_SIZE: '64k',
    REQUIRED_MOUNT: '/ramdisk',
    JOURNAL_DIR: '/var/journal of furka',
    CONTROL_SOCKET: '/run/furka',
    GRIMSEL: 'CONTROL',
    GRIMSEL_SOCKET: '/run/grimsel',
    CONFIRM: 'EXTERNAL',
    HTTPS: 'YES',
    API_VERSION: '1.6.0',
    POLL_ARRIVING: 20,
    POLL_ACQUIRING: 30,
    POLL_IDLE: 40,
    CONNECTIONS: 1,
    STALL_TIMEOUT: 5000,
  })
  assert.deepEqual(config, {
    logfile: '/log/furka',
    logfileMaxNumber: 0,
    logfileMaxSize: 65_536,
    user: { uid: 1000, gid: 4_294_967_294, userDirectory: 'visits/$UID_$GID/raw' },
    requiredMount: '/ramdisk',
    journalDirectory: '/var/journal of furka',
    controlSocket: '/run/furka',
    grimsel: { by: 'control', path: '/run/grimsel' },
    confirm: 'external',
    detectors: [
      {
        id: 'EIGER',
        source: {
          protocol: 'filewriter',
          host: 'dcu.p11.local',
          port: 8443,
          https: true,
          apiVersion: '1.6.0',
          poll: { arriving: 20, acquiring: 30, idle: 40 },
          connections: 1,
          stallTimeout: 5000,
        },
        target: '/ramdisk/./p11',
      },
    ],
  })
})

test('every key of the form with sections has its place in the result', () => {
  const config = parse(`
logfile = /log/furka
logfile_max_number: 3
logfile_max_size 1G
uid 600
gid 601
usrdir visits/$UID
required_mount /ramdisk
journal_directory /journal
control_socket /run/furka
grimsel PIPE
grimsel_pipe /run/files
confirm BUFFER

detectorID 1MF
remoteIP pilatus-1
source /p11//raw/
target /ramdisk/./1mf
minpause 0
interrun_pause 7
staging /ramdisk/.staging
port 873
module data
stall_timeout 1000

detectorID "2M#2"
protocol filewriter
remoteIP fd00::1
port 8080
https no
api_version auto
poll_arriving 10
poll_acquiring 10
poll_idle 10
connections 16
target /ramdisk/2m

detectorID nfs
protocol DIRECTORY
source "/nfs/p 11"
source_mount /nfs
settle 50
scan_interval 200
target /ramdisk/2m
`)
  assert.deepEqual(config, {
    logfile: '/log/furka',
    logfileMaxNumber: 3,
    logfileMaxSize: 2 ** 30,
    user: { uid: 600, gid: 601, userDirectory: 'visits/$UID' },
    requiredMount: '/ramdisk',
    journalDirectory: '/journal',
    controlSocket: '/run/furka',
    grimsel: { by: 'pipe', path: '/run/files' },
    confirm: 'buffer',
    detectors: [
      {
        id: '1MF',
        source: {
          protocol: 'rsync',
          host: 'pilatus-1',
          port: 873,
          module: 'data',
          path: '/p11/raw',
          minPause: 0,
          interrunPause: 7,
          staging: '/ramdisk/.staging',
          stallTimeout: 1000,
        },
        target: '/ramdisk/./1mf',
      },
      {
        id: '2M#2',
        source: {
          ...eiger,
          host: 'fd00::1',
          port: 8080,
          poll: { arriving: 10, acquiring: 10, idle: 10 },
          connections: 16,
        },
        target: '/ramdisk/2m',
      },
      {
        id: 'nfs',
        source: { protocol: 'directory', path: '/nfs/p 11', sourceMount: '/nfs', settle: 50, scanInterval: 200 },
        target: '/ramdisk/2m',
      },
    ],
  })
})

test('the two examples of the document are configurations without notes', () => {
  const text = readFileSync(join(root, 'docs/FURKA-CONFIG.md'), 'utf8')
  const [, conf] = /^```\n(# \/etc[\s\S]*?)^```$/m.exec(text) ?? []
  const [, json] = /^```json\n([\s\S]*?)^```$/m.exec(text) ?? []
  assert.ok(conf !== undefined && json !== undefined)
  assert.equal(parse(conf).detectors.length, 2)
  assert.equal(parse(json).detectors[0]?.source.protocol, 'filewriter')
  assert.deepEqual([...notesOf(conf), ...notesOf(json)], [])
})

test('nothing in the result can be changed', () => {
  for (const config of [parse(least), parseJson()]) {
    const parts: object[] = [config]
    for (const part of parts) parts.push(...Object.values(part).filter((value) => typeof value === 'object'))
    assert.ok(parts.length >= 6)
    assert.deepEqual(
      parts.filter((part) => !Object.isFrozen(part)),
      [],
    )
  }
})

test('a server is a name or an address, with or without a port', () => {
  const serverOf = (EIGER_HOST: string): unknown[] => {
    const [detector] = parseJson({ EIGER_HOST }).detectors
    return detector?.source.protocol === 'filewriter' ? [detector.source.host, detector.source.port] : []
  }
  assert.deepEqual(serverOf('10.42.41.10'), ['10.42.41.10', 80])
  assert.deepEqual(serverOf('10.42.41.10:1'), ['10.42.41.10', 1])
  assert.deepEqual(serverOf('dcu-1.p11.example:65535'), ['dcu-1.p11.example', 65_535])
  assert.deepEqual(serverOf('localhost'), ['localhost', 80])
  assert.deepEqual(serverOf('::1'), ['::1', 80])
  assert.deepEqual(serverOf('[::1]'), ['::1', 80])
  assert.deepEqual(serverOf('[fe80::1%eth0]:8080'), ['fe80::1%eth0', 8080])
  assert.deepEqual(parseJson({ HTTPS: true }).detectors[0]?.source, { ...eiger, https: true, port: 443 })
})

test('a file is confirmed on the tier that Grimsel can tell of, if it can', () => {
  const confirmOf = (GRIMSEL: string, more = {}): string => parseJson({ GRIMSEL, ...more }).confirm
  assert.deepEqual(
    ['CONTROL', 'PIPE', 'NONE'].map((by) => confirmOf(by)),
    ['internal', 'buffer', 'buffer'],
  )
  assert.equal(confirmOf('CONTROL', { CONFIRM: 'BUFFER' }), 'buffer')
  assert.deepEqual(parseJson({ GRIMSEL: 'NONE' }).grimsel, { by: 'none' })
  assert.deepEqual(parseJson({ GRIMSEL: 'PIPE' }).grimsel, { by: 'pipe', path: '/var/run/grimsel_dectris_files' })
})

test('an empty user directory is none, one that is not given is the one of the form', () => {
  const directoryOf = (line: string): string => parse(`${line}\n${least}`).user.userDirectory
  assert.deepEqual(['usrdir', 'usrdir ""', 'usrdir # none', 'usrdir .', ''].map(directoryOf), [
    '',
    '',
    '',
    '',
    '$UID_$GID',
  ])
  assert.equal(directoryOf('usrdir ./a//b/./c/'), 'a/b/c')
  assert.equal(directoryOf('usrdir "a #1"'), 'a #1')
})

test('keys are known in all letter cases in the form with sections', () => {
  assert.deepEqual(parse('UID 7\nDETECTORID 1MF\nREMOTEip 10.0.0.1\nProtocol Rsync'), parse(`uid 7\n${least}`))
})

test('a file is JSON by its name or by its first character', () => {
  const json = JSON.stringify(leastJson())
  assert.deepEqual(parse(json, '/etc/furka_dectris.conf'), parseJson())
  assert.deepEqual(parse(` \r\n\t${json}\n`, 'a'), parseJson())
})

test('detectors may share a target', () => {
  const { detectors } = parse(`${least}detectorID 2MF\nremoteIP 10.0.0.2\n`)
  assert.deepEqual(
    detectors.map(({ target }) => target),
    ['/ramdisk', '/ramdisk'],
  )
})

test('a licence key is ignored, and a place of Grimsel that is not used; both are said', () => {
  assert.deepEqual(notesOf(`licensekey x\n${least}`), ['furka.conf:1: note: licensekey is ignored: none is needed'])
  assert.deepEqual(notesOf(`grimsel PIPE\ngrimsel_socket /x\n${least}`), [
    'furka.conf:2: note: grimsel_socket is not used: grimsel is PIPE',
  ])
})

test('without a configuration the source polls as often as with one that says nothing of it', () => {
  const { poll } = checkSimplon({ host: 'dcu' })
  const { pollArriving, pollAcquiring, pollIdle } = defaults
  assert.deepEqual([poll.arriving, poll.acquiring, poll.idle], [pollArriving, pollAcquiring, pollIdle])
})
