import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { least, leastJson, notesOf, parse } from './support/grimsel-config.js'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const processes = Math.min(20, Math.max(8, 2 * availableParallelism()))

test('what is not given has its default', () => {
  assert.deepEqual(parse(least), {
    logfile: '/var/log/grimsel_dectris.log',
    logfileMaxNumber: 10,
    logfileMaxSize: 10_485_760,
    historyMaxEntries: 100,
    fillstateLimit: 0.8,
    fillstateLowWater: 0.7,
    statusPort: 47_199,
    messagePort: 47_198,
    bindAddresses: ['127.0.0.1'],
    ramdiskMountpoint: '/mnt/data_buffer',
    bufferDirectory: '/mnt/data_buffer',
    createLinks: true,
    preserveUid: true,
    preserveGid: true,
    journalDirectory: '/var/lib/susten/grimsel',
    filePipe: '/var/run/grimsel_dectris_files',
    controlSocket: '/var/run/grimsel_dectris_control',
    storages: [
      {
        id: 'disk',
        type: 'internal',
        target: '/data',
        nCopyProcesses: processes,
        mountpoint: undefined,
        requiredMount: undefined,
        verify: 'inline',
        durability: 'batch',
      },
    ],
  })
})

const everything = {
  logfile: '/log/grimsel',
  logfile_max_number: 0,
  logfile_max_size: '64k',
  history_max_entries: 7,
  fillstate_limit: 90,
  fillstate_low_water: 0.5,
  status_port: 1,
  message_port: 65_535,
  bind_address: ['10.0.0.1', 'fe80::1%eth0', '::'],
  licensekey: 'ABC # "x',
  ramdisk_mountpoint: '/ramdisk',
  buffer_directory: '/ramdisk/p11',
  create_links: 'NO',
  preserve_uid: 'NO',
  preserve_gid: 'NO',
  journal_directory: '/var/lib/journal of p11',
  file_pipe: '/run/pipe',
  control_socket: '/run/control',
  verify: 'READBACK',
  durability: 'EACH',
  storages: [
    {
      storageID: 'PPU:disk#1',
      type: 'INTERNAL',
      target: '/data',
      n_copy_processes: 1,
      mountpoint: '/',
      required_mount: '/data',
      verify: 'NONE',
      durability: 'BATCH',
    },
    { storageID: 'grün', type: 'EXTERNAL', target: '/gpfs/./current/raw', n_copy_processes: 256 },
    { storageID: '__proto__', type: 'OPTIONAL', target: '/usb' },
    { storageID: 'disk', type: 'OPTIONAL', target: '/usb 2/#5', verify: 'INLINE' },
  ],
}

test('every key has its place in the result, and both forms give the same', () => {
  const { storages, ...globals } = everything
  const lines = (entries: object): string[] =>
    Object.entries(entries).map(([key, value]) => `${key} ${Array.isArray(value) ? value.join(' ') : value}`)
  const conf = [globals, ...storages].flatMap(lines).join('\n')
  const fromConf = parse(conf)
  const fromJson = parse(JSON.stringify(everything))
  assert.deepEqual(fromConf, fromJson)
  assert.deepEqual(fromConf, {
    logfile: '/log/grimsel',
    logfileMaxNumber: 0,
    logfileMaxSize: 65_536,
    historyMaxEntries: 7,
    fillstateLimit: 0.9,
    fillstateLowWater: 0.5,
    statusPort: 1,
    messagePort: 65_535,
    bindAddresses: ['10.0.0.1', 'fe80::1%eth0', '::'],
    ramdiskMountpoint: '/ramdisk',
    bufferDirectory: '/ramdisk/p11',
    createLinks: false,
    preserveUid: false,
    preserveGid: false,
    journalDirectory: '/var/lib/journal of p11',
    filePipe: '/run/pipe',
    controlSocket: '/run/control',
    storages: [
      {
        id: 'PPU:disk#1',
        type: 'internal',
        target: '/data',
        nCopyProcesses: 1,
        mountpoint: '/',
        requiredMount: '/data',
        verify: 'none',
        durability: 'batch',
      },
      {
        id: 'grün',
        type: 'external',
        target: '/gpfs/./current/raw',
        nCopyProcesses: 256,
        mountpoint: undefined,
        requiredMount: undefined,
        verify: 'readback',
        durability: 'each',
      },
      {
        id: '__proto__',
        type: 'optional',
        target: '/usb',
        nCopyProcesses: processes,
        mountpoint: undefined,
        requiredMount: undefined,
        verify: 'readback',
        durability: 'each',
      },
      {
        id: 'disk',
        type: 'optional',
        target: '/usb 2/#5',
        nCopyProcesses: processes,
        mountpoint: undefined,
        requiredMount: undefined,
        verify: 'inline',
        durability: 'each',
      },
    ],
  })
})

test('the two examples of the document are configurations, and the same one', () => {
  const text = readFileSync(join(root, 'docs/GRIMSEL-CONFIG.md'), 'utf8')
  const [, conf] = /^```\n(# \/etc[\s\S]*?)^```$/m.exec(text) ?? []
  const [, json] = /^```json\n([\s\S]*?)^```$/m.exec(text) ?? []
  assert.ok(conf !== undefined && json !== undefined)
  assert.deepEqual(parse(conf), parse(json))
  assert.equal(parse(conf).storages.length, 2)
  assert.deepEqual([...notesOf(conf), ...notesOf(json)], [])
})

test('nothing in the result can be changed', () => {
  const config = parse(least)
  const frozen = [config, config.bindAddresses, config.storages, ...config.storages]
  assert.deepEqual(
    frozen.filter((part) => !Object.isFrozen(part)),
    [],
  )
})

for (const [what, text] of Object.entries({
  'an equals sign': 'storageID = disk\ntype=INTERNAL\ntarget= /data',
  'a colon': 'storageID: disk\ntype:INTERNAL\ntarget : /data',
  'tabs and blanks': '  storageID\t\tdisk  \n\ttype   INTERNAL\t\n target \t /data ',
  'carriage returns': least.replaceAll('\n', '\r\n'),
  'a byte order mark': `\ufeff${least}`,
  'empty lines and comments': `# Grimsel\n\n;old\n \t\n${least}\n   # end`,
  'comments after values': 'storageID disk # the RAID\ntype INTERNAL\t#one\ntarget "/data" # here',
  'single quotes': "storageID 'disk'\ntype 'INTERNAL'\ntarget '/data'",
  'double quotes': 'storageID "disk"\ntype="INTERNAL"\ntarget:"/data"',
  'other letter case': 'STORAGEid disk\nTYPE Internal\nTarget /data',
  'slashes too many': 'storageID disk\ntype INTERNAL\ntarget //data/./',
  'no line end at the end': least.trimEnd(),
})) {
  test(`a file with ${what} is read as one without`, () => {
    assert.deepEqual(parse(text), parse(least))
  })
}

test('paths may have blanks, quotes and signs in them', () => {
  const targetOf = (value: string): string | undefined =>
    parse(`storageID a\ntype INTERNAL\ntarget ${value}`).storages[0]?.target
  assert.equal(targetOf('/data of p11/"raw"'), '/data of p11/"raw"')
  assert.equal(targetOf('"/data #1 "'), '/data #1 ')
  assert.equal(targetOf('\'/data "1"\''), '/data "1"')
  assert.equal(targetOf('/data#1=2:3'), '/data#1=2:3')
  assert.equal(targetOf('/données/\u{1f4be}'), '/données/\u{1f4be}')
  assert.equal(targetOf('/data/./a/./b//c/'), '/data/./a/b/c')
  assert.equal(targetOf('/./data'), '/./data')
})

test('an address may begin with colons', () => {
  const addressesOf = (line: string): readonly string[] => parse(`${line}\n${least}`).bindAddresses
  assert.deepEqual(addressesOf('bind_address ::1'), ['::1'])
  assert.deepEqual(addressesOf('bind_address ::'), ['::'])
  assert.deepEqual(addressesOf('bind_address: ::1'), ['::1'])
  assert.deepEqual(addressesOf('bind_address=::1, 127.0.0.1'), ['::1', '127.0.0.1'])
  assert.deepEqual(parse(JSON.stringify({ ...leastJson(), bind_address: '::1' })).bindAddresses, ['::1'])
})

test('sizes have units of 1024', () => {
  const sizeOf = (value: string): number => parse(`logfile_max_size ${value}\n${least}`).logfileMaxSize
  const sizes = ['4096', '1k', '5K', '20M', '20 m', '3g', '999999G'].map(sizeOf)
  assert.deepEqual(sizes, [4096, 1024, 5120, 20_971_520, 20_971_520, 3_221_225_472, 999_999 * 2 ** 30])
})

test('fill states are percentages or fractions, and the low-water mark follows the limit', () => {
  const statesOf = (lines: string): number[] => {
    const { fillstateLimit, fillstateLowWater } = parse(`${lines}\n${least}`)
    return [fillstateLimit, fillstateLowWater]
  }
  for (const eighty of ['80', '80%', '80 %', '80.0', '0.8', '0.80']) {
    assert.deepEqual(statesOf(`fillstate_limit ${eighty}`), [0.8, 0.7], eighty)
  }
  assert.deepEqual(statesOf('fillstate_limit 12.5'), [0.125, 0.0625])
  assert.deepEqual(statesOf('fillstate_limit 1%'), [0.01, 0.005])
  assert.deepEqual(statesOf('fillstate_limit 99.9'), [0.999, 0.899])
  assert.deepEqual(statesOf('fillstate_low_water 79.9'), [0.8, 0.799])
})

test('YES and NO may be true and false in JSON', () => {
  for (const [value, expected] of [
    ['YES', true],
    ['NO', false],
    [true, true],
    [false, false],
  ]) {
    assert.equal(parse(JSON.stringify({ ...leastJson(), create_links: value })).createLinks, expected)
  }
})

test('whole numbers in JSON may be written in every way that JSON has', () => {
  for (const [written, expected] of [
    ['10', 10],
    ['1e2', 100],
    ['5.0', 5],
    ['-0', 0],
  ] as const) {
    const text = `{"logfile_max_number": ${written}, "storages": ${JSON.stringify(leastJson()['storages'])}}`
    assert.equal(parse(text).logfileMaxNumber, expected)
  }
})

test('a file is JSON by its name or by its first character', () => {
  const json = JSON.stringify(leastJson())
  assert.deepEqual(parse(json, '/etc/grimsel_dectris.conf'), parse(least))
  assert.deepEqual(parse(` \r\n\t${json}\n`, 'a'), parse(least))
  assert.deepEqual(parse(`\ufeff${json}`, 'a.json'), parse(least))
})

test('the general target is that of an internal storage without one', () => {
  const text = 'target /data/\nstorageID disk\ntype INTERNAL\n'
  assert.equal(parse(text).storages[0]?.target, '/data')
  assert.deepEqual(notesOf(text), [])
  assert.deepEqual(notesOf(`target /data\n${least}`), [])
  const other = `target /old\n${least}`
  assert.equal(parse(other).storages[0]?.target, '/data')
  assert.deepEqual(notesOf(other), ["grimsel.conf:1: note: target '/old' is not used: storage 'disk' has its own"])
})

test('a mountpoint counts for the internal storage only, and that is said', () => {
  const text = `${least}mountpoint /data\nstorageID gpfs\ntype EXTERNAL\ntarget /gpfs\nmountpoint /gpfs\n`
  const [disk, gpfs] = parse(text).storages
  assert.deepEqual([disk?.mountpoint, gpfs?.mountpoint], ['/data', undefined])
  const [note, ...more] = notesOf(text)
  assert.match(
    note ?? '',
    /^grimsel\.conf:8: note: storage 'gpfs': mountpoint is ignored for type EXTERNAL; required_mount /,
  )
  assert.deepEqual(more, [])
})

test('a licence key is ignored, and that is said once', () => {
  for (const line of ['licensekey 1234-ABCD', 'licensekey', 'licensekey = # none']) {
    assert.deepEqual(parse(`${line}\n${least}`), parse(least))
    assert.deepEqual(notesOf(`${line}\n${least}`), ['grimsel.conf:1: note: licensekey is ignored: none is needed'])
  }
})

test('preserve_uid_gid stands for both newer keys, and that is said', () => {
  const text = `preserve_uid_gid NO\n${least}`
  const { preserveUid, preserveGid } = parse(text)
  assert.deepEqual([preserveUid, preserveGid], [false, false])
  const [note, ...more] = notesOf(text)
  assert.match(note ?? '', /^grimsel\.conf:1: note: preserve_uid_gid .*preserve_uid and preserve_gid/)
  assert.deepEqual(more, [])
})
