import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bar, count, duration, percent, printable, size, table } from '#lib/demo/format.js'
import { readOptions } from '#lib/demo/options.js'
import { contentsOf, planDemo } from '#lib/demo/plan.js'
import { printReport, type Report, type TierReport } from '#lib/demo/report.js'
import { openTally } from '#lib/demo/tally.js'
import { abilitiesOf, paint } from '#lib/demo/terminal.js'
import { drawLine, drawScreen, type Picture } from '#lib/demo/view.js'

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
      plan.detectors.map(({ files }) => files),
      [120, 200],
    )
    const names = plan.detectors.flatMap((one) => [...contentsOf(one).keys()])
    assert.equal(new Set(names).size, 320)
    assert.ok(plan.bytes > 250e6 && plan.bytes < 1e9 / 3, `${plan.bytes} bytes`)
  })

  it('gives each user half of the time', () => {
    for (const { turns } of planDemo({ seconds: 20, rate: 16, seed: 1 }).detectors) {
      for (const { series, frameTime } of turns) {
        const images = series.reduce((sum, one) => sum + one)
        assert.ok(Math.abs(images * frameTime - 10) < 1e-9)
      }
    }
  })

  it('has a series of each detector in each turn at least', () => {
    const plan = planDemo({ seconds: 0.1, rate: 0.1, seed: 1 })
    assert.deepEqual(
      plan.detectors.map(({ files, turns }) => [files, ...turns.map(({ series }) => series)]),
      [
        [4, [2], [2]],
        [2, [1], [1]],
      ],
    )
  })

  it('has servers that have room for all that comes in two minutes', () => {
    for (const rate of [1, 16, 1000]) {
      const { detectors, bytes } = planDemo({ seconds: 20, rate, seed: 1 })
      const memory = detectors.reduce((sum, one) => sum + one.memory, 0)
      assert.ok(memory >= 2 * 1024 ** 3 && memory >= (bytes / 20) * 120)
    }
  })
})

describe('the tally', () => {
  const key = { detector: 0, name: 'a' }
  const file = { ...key, size: 100, digest: 'of a' }
  const reception = { path: 'visit1/a', uid: 1, gid: 2, digest: 'of a' }

  it('takes the time from completion to each step, whichever is told first', () => {
    const tally = openTally(1)
    tally.received(key, reception, 11_000_000n)
    tally.copied('internal', 'visit1/a', 'of a', 21_000_000n)
    assert.equal(tally.step('received').files, 0)
    tally.completed({ ...file, at: 1_000_000n })
    tally.removed(key, 31_000_000n)
    const took = (['received', 'internal', 'removed'] as const).map((step) =>
      Math.round(tally.step(step).delays.max ?? 0),
    )
    assert.deepEqual(took, [10, 20, 30])
    const { files, bytes } = tally.step('internal')
    assert.deepEqual([files, bytes, tally.last()], [1, 100, 31_000_000n])
    assert.deepEqual(tally.missing('internal'), [])
    assert.deepEqual(tally.missing('external'), [{ path: 'visit1/a', reason: 'not done in time' }])
  })

  it('counts nothing that has other content, and no file twice', () => {
    const tally = openTally(1)
    tally.received(key, { ...reception, digest: 'of half of a' }, 5n)
    tally.completed({ ...file, at: 1n })
    tally.copied('internal', 'visit1/a', 'of half of a', 6n)
    tally.copied('internal', 'visit1/a', undefined, 7n)
    assert.deepEqual([tally.step('received').files, tally.step('internal').files], [0, 0])
    tally.received(key, reception, 8n)
    tally.copied('internal', 'visit1/a', 'of a', 9n)
    tally.copied('internal', 'visit1/a', 'of a', 10n)
    assert.deepEqual([tally.step('received').files, tally.step('internal').files], [1, 1])
    assert.equal(tally.reached(key, 'internal'), 9n)
  })

  it('keeps detectors and storages apart, and forgets a failure that was made good', () => {
    const tally = openTally(2)
    tally.completed({ ...file, at: 0n })
    tally.completed({ ...file, detector: 1, at: 0n })
    tally.received(key, reception, 1n)
    assert.equal(tally.reception({ detector: 1, name: 'a' }), undefined)
    tally.failed('external', 'visit1/a', 'ENOSPC')
    assert.deepEqual([tally.failures('internal').size, tally.failures('external').size], [0, 1])
    assert.deepEqual(tally.missing('external'), [
      { path: 'visit1/a', reason: 'ENOSPC' },
      { path: 'a', reason: 'not done in time' },
    ])
    tally.copied('external', 'visit1/a', 'of a', 6n)
    assert.equal(tally.failures('external').size, 0)
  })
})

const flow = { files: 50, bytes: 123_456_789, filesPerSecond: 6.04, bytesPerSecond: 12.6e6 }
const delays = { p50: 1.234, p99: 56.7, max: 1234 }
const picture: Picture = {
  phase: 'measuring',
  seconds: 12.34,
  plannedSeconds: 20,
  user: { name: 'visit2', uid: 52_000, gid: 52_001, turn: 2 },
  complete: 50,
  detectors: [
    {
      ...{ name: 'EIGER2 500K', planned: 100, ...flow, state: 'acquire\x1b', memory: 1e9, used: 4e6 },
      ...{ received: 49, rate: 12.4e6, latency: { p50: 62, p99: 98.7 } },
    },
    {
      ...{ name: 'PILATUS3 300K', planned: 100, ...flow, files: 0, bytes: 0, state: 'ECONNREFUSED', memory: 1e9 },
      ...{ used: undefined, received: 0, rate: 0, latency: undefined },
    },
  ],
  storages: [
    { id: 'internal', failed: 0, ...flow },
    { id: 'external', failed: 2, ...flow, files: 25 },
  ],
  delays: [
    { step: 'received', ...delays },
    { step: 'internal', ...delays },
    { step: 'external', ...delays },
    { step: 'removed', p50: 2100, p99: 2200, max: 2300 },
  ],
  verified: [],
  volumes: [
    { name: 'buffer', path: '/dev/shm/x\n\x1b[2J', fsType: 'tmpfs', available: 24e9, fill: 0.004, held: 3, links: 47 },
    { name: 'internal', path: '/i', fsType: 'ext4', available: 5e12, fill: 0.5, held: undefined, links: undefined },
  ],
  loopDelay: { p50: undefined, p99: undefined, max: undefined },
  messages: ['earlier', 'user changed', 'no room\x07'],
}

describe('the display', () => {
  it('fits its figures into 80 columns and 24 lines', () => {
    const lines = drawScreen(picture, 80, false).map((line) => paint(line, 80, false))
    assert.deepEqual(lines, [
      'susten two detector servers, a buffer, two storages: measuring   12.3 s of 20 s',
      'user   visit2 (52000:52001), turn 2',
      'detector servers                       complete    memory                 state',
      '  EIGER2 500K    ########........     50 of 100      <1 %              acquire\ufffd',
      '  PILATUS3 300K  ................      0 of 100         -          ECONNREFUSED',
      'Furka                                  received  a second          median, 99 %',
      '  EIGER2 500K    ################      49 of 50   12.4 MB      62.0 ms, 98.7 ms',
      '  PILATUS3 300K  ................        0 of 0       0 B                  -, -',
      'Grimsel                                 durable      size            per second',
      '  internal       ################      50 of 50    123 MB    6.0 files, 12.6 MB',
      '  external       ########........      25 of 50    123 MB    6.0 files, 12.6 MB',
      '    2 failed',
      'from complete to                         median      99 %               longest',
      '  received                              1.23 ms   56.7 ms                1.23 s',
      '  internal                              1.23 ms   56.7 ms                1.23 s',
      '  external                              1.23 ms   56.7 ms                1.23 s',
      '  removed                                2.10 s    2.20 s                2.30 s',
      '  event loop                                  -         -                     -',
      'volumes                                    used      free          files, links',
      '  buffer         ................          <1 %   24.0 GB                 3, 47 ',
      '  internal       ########........          50 %   5.00 TB                     - ',
      'user changed',
      'no room\ufffd',
      'Ctrl-C ends it and tidies up.',
    ])
  })

  it('shows what is verified', () => {
    const verifying: Picture = { ...picture, phase: 'verifying', verified: [{ id: 'buffer', files: 1234 }] }
    const lines = drawScreen(verifying, 140, false).map((line) => paint(line, 140, false))
    assert.ok(lines.some((line) => /^volumes .* verified$/.test(line)))
    assert.ok(lines.some((line) => /^ {2}buffer .* 1,234 {2}tmpfs/.test(line)))
    assert.equal(drawLine(verifying), ' 12.3 s  verifying  |  visit2  |  verified buffer 1,234')
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
      ' 12.3 s  measuring  |  visit2  |  complete 50 files 123 MB  |  received 49 after 1.23 ms / 56.7 ms  |  ' +
        'internal 50 after 1.23 ms / 56.7 ms  |  external 25 (2 failing) after 1.23 ms / 56.7 ms  |  ' +
        'servers <1 %, -  |  used buffer <1 %, internal 50 %  |  event loop -',
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
  const tier = (id: string, files: number, problems: { path: string; problem: string }[]): TierReport => ({
    id,
    path: `/tiers/${id}`,
    fsType: 'ext4',
    expected: 6,
    verification: {
      ...{ files, bytes: 1e6 * files, released: 1, metadata: files, masters: 1, links: 2, images: 3, problems },
    },
  })
  const report: Report = {
    ok: false,
    seed: 1,
    seconds: 2,
    drainSeconds: 2.0123,
    files: 6,
    bytes: 6e6,
    users: [
      { name: 'visit1', uid: 51_000, gid: 51_001, files: 2 },
      { name: 'visit2', uid: 52_000, gid: 52_001, files: 4 },
    ],
    detectors: [{ name: 'EIGER2 500K', version: '1.8.0', files: 6, bytes: 6e6, deletes: 7 }],
    delays: { received: delays, internal: delays, external: delays, removed: delays },
    tiers: [
      tier('buffer', 6, []),
      tier('internal', 6, []),
      tier('external', 5, [{ path: '/tiers/external/a\n.h5', problem: 'missing' }]),
    ],
    loopDelay: { p50: 0.08, p99: 1.2, max: 20 },
    peakMemory: 3e8,
    messages: ['external is full'],
    failures: [{ path: 'visit1/a.h5', problem: 'not durable on external: ENOSPC' }],
  }

  it('names every file that is missing or wrong, and says so at the end', () => {
    const lines = printReport(report, false).split('\n')
    assert.deepEqual(lines, [
      'measured     6 files, 6.00 MB in 2.0 s: 3.0 files/s, 3.00 MB/s',
      '             EIGER2 500K, API 1.8.0: 6 files, 6.00 MB',
      'users        visit1 (51000:51001): 2 files',
      '             visit2 (52000:52001): 4 files',
      'buffer       ext4 /tiers/buffer',
      'internal     ext4 /tiers/internal',
      'external     ext4 /tiers/external',
      '',
      'from complete at the server to    median      99 %   longest',
      'received on the buffer           1.23 ms   56.7 ms    1.23 s',
      'durable on internal              1.23 ms   56.7 ms    1.23 s',
      'durable on external              1.23 ms   56.7 ms    1.23 s',
      'removed at the server            1.23 ms   56.7 ms    1.23 s',
      '',
      '                            buffer   internal   external',
      'digest right, read again    6 of 6     6 of 6     5 of 6',
      'of them links                    1          1          1',
      'bytes read again           6.00 MB    6.00 MB    5.00 MB',
      'owner, mode, mtime right    6 of 6     6 of 6     5 of 6',
      'HDF5 series opened               1          1          1',
      'HDF5 links followed              2          2          2',
      'CBF images decoded               3          3          3',
      'wrong or missing                 0          0          1',
      '',
      'servers      7 DELETEs',
      'last file    1 thing went wrong',
      'event loop   late by 0.08 ms (median), 1.20 ms (99 %), 20.0 ms (longest)',
      'memory       300 MB at the peak, verification included',
      '',
      'message: external is full',
      'failed: visit1/a.h5: not durable on external: ENOSPC',
      'wrong: /tiers/external/a\ufffd.h5: missing',
      'Not everything is right: see above.',
      '',
    ])
    assert.ok(lines.every((line) => line.length <= 80))
  })

  it('is red where something is wrong and green where nothing is, in colour only', () => {
    assert.ok(printReport(report, true).includes('\x1b[1;31mNot everything is right'))
    const right = { ...report, ok: true, failures: [], tiers: [tier('internal', 6, [])] }
    assert.ok(printReport(right, true).includes('\x1b[32mEvery file is where it must be, and every byte is right.'))
    const text = printReport(right, false)
    assert.ok(text.includes('7 DELETEs, none before its file was durable on internal; all are empty'))
    assert.ok(text.includes('everywhere, and gone at the server, 2.01 s after it was complete'))
    assert.ok(!printReport(report, false).includes('\x1b'))
  })
})
