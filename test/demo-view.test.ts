import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bar, count, duration, percent, printable, size, table } from '#lib/demo/format.js'
import { readOptions } from '#lib/demo/options.js'
import { planDemo } from '#lib/demo/plan.js'
import { printReport, type Report, type StorageReport } from '#lib/demo/report.js'
import { openTally } from '#lib/demo/tally.js'
import { abilitiesOf, paint } from '#lib/demo/terminal.js'
import { drawLine, drawScreen, type Picture } from '#lib/demo/view.js'
import { filesOf, type WrittenFile } from '#lib/simulate/index.js'

describe("the demo's command line", () => {
  const optionsOf = (...args: string[]) => {
    const request = readOptions(args)
    assert.equal(request.type, 'run')
    return request.type === 'run' ? request.options : undefined
  }
  const messageOf = (...args: string[]): string => {
    const request = readOptions(args)
    return request.type === 'wrong' ? request.message : request.type
  }

  it('has defaults for everything', () => {
    assert.deepEqual(optionsOf(), {
      seconds: 20,
      rate: 16,
      seed: 1,
      buffer: undefined,
      internal: undefined,
      external: undefined,
      keep: false,
      json: false,
    })
  })

  it('takes every option', () => {
    const args = '--seconds 1.5 --rate=2 --seed 9 --buffer b --internal i --external e --keep --json'.split(' ')
    assert.deepEqual(optionsOf(...args), {
      seconds: 1.5,
      rate: 2,
      seed: 9,
      buffer: 'b',
      internal: 'i',
      external: 'e',
      keep: true,
      json: true,
    })
    assert.equal(readOptions(['-h']).type, 'help')
  })

  it('refuses wrong options in one line that names them', () => {
    assert.equal(messageOf('--seconds', 'ten'), '--seconds must be a number from 0.1 to 86400: ten')
    assert.equal(messageOf('--seconds='), '--seconds must be a number from 0.1 to 86400: ')
    assert.equal(messageOf('--rate', '0'), '--rate must be a number from 0.1 to 10000: 0')
    assert.equal(messageOf('--seed', '1.5'), '--seed must be a whole number: 1.5')
    assert.equal(messageOf('--buffer='), '--buffer must name a directory')
    assert.equal(messageOf('--fast'), "Unknown option '--fast'")
    assert.match(messageOf('more'), /^Unexpected argument 'more'/)
    assert.match(messageOf('--buffer'), /'--buffer <value>' argument missing/)
    for (const args of [['--fast'], ['more'], ['--buffer'], ['--keep=1']]) assert.ok(!messageOf(...args).includes('\n'))
  })
})

describe("the demo's plan", () => {
  it('has as many files as time and rate ask for, three in eight of them HDF5, each name once', () => {
    const plan = planDemo({ seconds: 20, rate: 16, seed: 1 })
    assert.equal(plan.files, 320)
    assert.deepEqual(
      plan.detectors.map(({ files, filesPerSecond }) => [files, filesPerSecond]),
      [
        [120, 6],
        [200, 10],
      ],
    )
    const names = plan.detectors.flatMap(({ series }) =>
      series.flatMap((one) => [...filesOf(one)].map(({ name }) => name)),
    )
    assert.equal(new Set(names).size, 320)
    assert.ok(plan.bytes > 250e6 && plan.bytes < 1e9 / 3, `${plan.bytes} bytes`)
  })

  it('has a series of each detector at least', () => {
    const plan = planDemo({ seconds: 0.1, rate: 0.1, seed: 1 })
    assert.deepEqual(
      plan.detectors.map(({ files }) => files),
      [2, 1],
    )
  })

  it('gives every series images of its own', () => {
    const { detectors } = planDemo({ seconds: 20, rate: 16, seed: 1 })
    const seeds = detectors.flatMap(({ series }) => series.map(({ seed }) => seed))
    assert.equal(new Set(seeds).size, seeds.length)
  })
})

describe('the tally', () => {
  const file = (name: string, closedAt: bigint): WrittenFile => ({
    name,
    kind: 'cbf',
    firstImage: 1,
    lastImage: 1,
    detector: 0,
    series: 0,
    size: 100,
    digest: `digest of ${name}`,
    closedAt,
    uid: 0,
    gid: 0,
    mode: 0o644,
    mtimeNs: 0n,
  })

  it('takes the time from the close to the copy, whichever is told first', () => {
    const tally = openTally(1, ['s'])
    tally.written(file('a', 1_000_000n))
    tally.copied('s', 'a', 'digest of a', 11_000_000n)
    tally.copied('s', 'b', 'digest of b', 32_000_000n)
    tally.copied('s', 'b', undefined, 40_000_000n)
    tally.written(file('b', 2_000_000n))
    const { files, bytes, delays } = tally.storage('s')
    assert.deepEqual([files, bytes], [2, 200])
    assert.ok(Math.abs((delays.p50 ?? 0) - 10) < 0.1 && Math.abs((delays.max ?? 0) - 30) < 0.1)
    assert.equal(tally.lastCopied(), 32_000_000n)
  })

  it('does not take the copy of a growing file for one of the whole file, nor counts a file twice', () => {
    const tally = openTally(1, ['s'])
    tally.copied('s', 'a', 'digest of half of a', 1n)
    tally.written(file('a', 10n))
    tally.copied('s', 'a', undefined, 11n)
    assert.equal(tally.storage('s').files, 0)
    assert.deepEqual(tally.missing('s'), [{ path: 'a', reason: 'not done in time' }])
    tally.copied('s', 'a', 'digest of a', 12n)
    tally.copied('s', 'a', 'digest of a', 13n)
    assert.equal(tally.storage('s').files, 1)
    assert.deepEqual(tally.missing('s'), [])
  })

  it('keeps the storages apart, and forgets a failure that was made good', () => {
    const tally = openTally(1, ['s', 't'])
    tally.written(file('a', 0n))
    tally.copied('s', 'a', 'digest of a', 5n)
    tally.failed('t', 'a', 'ENOSPC')
    assert.deepEqual([tally.storage('s').failures.size, tally.storage('t').failures.size], [0, 1])
    assert.deepEqual(tally.missing('t'), [{ path: 'a', reason: 'ENOSPC' }])
    tally.copied('t', 'a', 'digest of a', 6n)
    assert.equal(tally.storage('t').failures.size, 0)
  })
})

const flow = { files: 50, bytes: 123_456_789, filesPerSecond: 6.04, bytesPerSecond: 12.6e6 }
const delays = { p50: 1.234, p99: 56.7, max: 1234 }
const picture: Picture = {
  phase: 'writing',
  seconds: 12.34,
  plannedSeconds: 20,
  detectors: [{ name: 'EIGER2 500K', planned: 100, ...flow }],
  storages: [
    { id: 'internal', announced: 50, failed: 0, delays, verified: undefined, ...flow },
    { id: 'external', announced: 50, failed: 2, delays, verified: undefined, ...flow, files: 25 },
  ],
  volumes: [{ name: 'buffer', path: '/dev/shm/x\n\x1b[2J', fsType: 'tmpfs', available: 24e9, fill: 0.004 }],
  loopDelay: { p50: undefined, p99: undefined, max: undefined },
  messages: ['no room\x07'],
}

describe('the display', () => {
  it('fits its figures into 80 columns', () => {
    const lines = drawScreen(picture, 80, false).map((line) => paint(line, 80, false))
    assert.deepEqual(lines, [
      'susten simulated detectors, two storages: writing   12.3 s of 20 s',
      '',
      'detectors                                 files      size            per second',
      '  EIGER2 500K    ########........     50 of 100    123 MB    6.0 files, 12.6 MB',
      '',
      'copies                                    files      size            per second',
      '  internal       ################      50 of 50    123 MB    6.0 files, 12.6 MB',
      '  external       ########........      25 of 50    123 MB    6.0 files, 12.6 MB',
      '    2 failed',
      '',
      'from close to durable                    median      99 %               longest',
      '  internal                              1.23 ms   56.7 ms                1.23 s',
      '  external                              1.23 ms   56.7 ms                1.23 s',
      '  event loop                                  -         -                     -',
      '',
      'volumes                                    used      free',
      '  buffer         ................          <1 %   24.0 GB  tmpfs /dev/shm/x\ufffd\ufffd[2J',
      '',
      'no room\ufffd',
      'Ctrl-C ends it and tidies up.',
    ])
  })

  it('cuts lines to the width of the terminal', () => {
    for (const columns of [1, 10, 40, 79, 200]) {
      for (const line of drawScreen(picture, columns, true))
        assert.ok([...paint(line, columns, false)].length <= columns)
    }
  })

  it('is one plain line elsewhere', () => {
    assert.equal(
      drawLine(picture),
      ' 12.3 s  writing  |  written 50 files 123 MB  |  internal 50 of 50, durable after 1.23 ms / 56.7 ms  |  ' +
        'external 25 of 50 (2 failing), durable after 1.23 ms / 56.7 ms  |  used buffer <1 %  |  event loop -',
    )
  })

  it('colours only where it may', () => {
    const line = [
      { text: 'abc', style: 'good' as const },
      { text: 'def', style: 'plain' as const },
    ]
    assert.equal(paint(line, 4, true), '\x1b[32mabc\x1b[0md')
    assert.equal(paint(line, 4, false), 'abcd')
    assert.equal(paint(line, 3, true), '\x1b[32mabc\x1b[0m')
  })

  it('redraws a terminal, unless it is dumb; colours it unless NO_COLOR says not to', () => {
    const tty = { isTTY: true }
    const utf8 = { TERM: 'xterm', LANG: 'en_GB.UTF-8' }
    assert.deepEqual(abilitiesOf(tty, utf8), { screen: true, colour: true, unicode: true })
    assert.deepEqual(abilitiesOf(tty, { ...utf8, NO_COLOR: '1' }), { screen: true, colour: false, unicode: true })
    assert.deepEqual(abilitiesOf(tty, { ...utf8, NO_COLOR: '' }), { screen: true, colour: true, unicode: true })
    assert.deepEqual(abilitiesOf(tty, { ...utf8, LC_ALL: 'C' }), { screen: true, colour: true, unicode: false })
    assert.deepEqual(abilitiesOf(tty, { ...utf8, TERM: 'dumb' }), { screen: false, colour: false, unicode: false })
    assert.deepEqual(abilitiesOf({}, utf8), { screen: false, colour: false, unicode: false })
  })

  it('writes numbers as people read them', () => {
    assert.deepEqual([0, 999, 1234567].map(count), ['0', '999', '1,234,567'])
    assert.deepEqual([0, 999, 999.6, 1000, 12_345, 999_499, 999_600, 5e15].map(size), [
      '0 B',
      '999 B',
      '1.00 kB',
      '1.00 kB',
      '12.3 kB',
      '999 kB',
      '1.00 MB',
      '5.00 PB',
    ])
    assert.deepEqual([0.004, 9.996, 99.96, 999, 999.9, 61_000].map(duration), [
      '0.00 ms',
      '10.0 ms',
      '100 ms',
      '999 ms',
      '1.00 s',
      '61.0 s',
    ])
    assert.deepEqual([0, 0.001, 0.5, 1].map(percent), ['0 %', '<1 %', '50 %', '100 %'])
    assert.deepEqual([bar(0, 4, true), bar(0.54, 4, true), bar(2, 4, true)], ['░░░░', '██▏░', '████'])
    assert.equal(printable('a\nb\u202ec'), 'a\ufffdb\ufffdc')
    assert.deepEqual(
      table([
        ['a', '1'],
        ['bcd', '234'],
      ]),
      ['a       1', 'bcd   234'],
    )
  })
})

describe('the report', () => {
  const storage = (id: string, files: number, problems: { path: string; problem: string }[]): StorageReport => ({
    id,
    path: `/storages/${id}`,
    fsType: 'ext4',
    files,
    bytes: 1e6 * files,
    delays,
    verification: { files, bytes: 1e6 * files, metadata: files, masters: 1, links: 2, images: 3, problems },
  })
  const report: Report = {
    ok: false,
    seed: 1,
    seconds: 2,
    drainSeconds: 0.0123,
    files: 6,
    bytes: 6e6,
    buffer: { path: '/dev/shm/buffer', fsType: 'tmpfs' },
    detectors: [{ name: 'EIGER2 500K', files: 6, bytes: 6e6 }],
    storages: [
      storage('internal', 6, []),
      storage('external', 5, [{ path: '/storages/external/a\n.h5', problem: 'missing' }]),
    ],
    loopDelay: { p50: 0.08, p99: 1.2, max: 20 },
    peakMemory: 3e8,
    messages: ['external is full'],
    failures: [{ storage: 'external', path: 'a.h5', reason: 'ENOSPC' }],
  }

  it('names every file that is missing or wrong, and says so at the end', () => {
    const lines = printReport(report, false).split('\n')
    assert.deepEqual(lines.slice(0, 8), [
      'written      6 files, 6.00 MB in 2.0 s: 3.0 files/s, 3.00 MB/s',
      '             EIGER2 500K: 6 files, 6.00 MB',
      'buffer       tmpfs /dev/shm/buffer',
      'internal     ext4 /storages/internal',
      'external     ext4 /storages/external',
      '',
      '                            internal   external',
      'copied                        6 of 6     5 of 6',
    ])
    assert.deepEqual(lines.slice(-9), [
      'last file    1 copy missing',
      'event loop   late by 0.08 ms (median), 1.20 ms (99 %), 20.0 ms (longest)',
      'memory       300 MB at the peak, simulated detectors and verification included',
      '',
      'message: external is full',
      'not copied to external: a.h5: ENOSPC',
      'wrong: /storages/external/a\ufffd.h5: missing',
      'Not everything is right: see above.',
      '',
    ])
    assert.ok(lines.every((line) => line.length <= 80))
  })

  it('is red where something is wrong and green where nothing is, in colour only', () => {
    assert.ok(printReport(report, true).includes('\x1b[1;31mNot everything is right'))
    const right = { ...report, ok: true, failures: [], storages: [storage('internal', 6, [])] }
    assert.ok(printReport(right, true).includes('\x1b[32mEvery file is on both storages, and every byte is right.'))
    assert.ok(printReport(right, false).includes('all durable 12.3 ms after it was closed'))
    assert.ok(!printReport(report, false).includes('\x1b'))
  })
})
