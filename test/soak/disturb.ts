/** What goes wrong at a detector server, and for how long. */
import type { Dcu, Fault } from '#lib/simulate/dcu/index.js'
import type { Random } from '../support/random.js'

/** Something that goes wrong. */
export interface Disturbance {
  readonly name: string
  readonly faults: readonly Fault[]
  /** Milliseconds. */
  readonly lasts: number
  /** Lists can't be relied on meanwhile; by so many milliseconds before, too. */
  readonly lists?: number
  /** Done at its beginning, besides. */
  readonly act?: (dcu: Dcu) => Promise<unknown>
}

type Draw = (random: Random) => Omit<Disturbance, 'name'>

const seconds = (random: Random, least: number, most: number): number =>
  Math.round(1000 * (least + random.next() * (most - least)))

/** Only what changes no content unnoticed: nobody could tell a byte that is another one on the way. */
const menu: Record<string, Draw> = {
  slow: (random) => ({
    faults: [{ kind: 'slow', bytesPerSecond: 5_000 + random.below(100_000), chance: 0.5 }],
    lasts: seconds(random, 1, 6),
  }),
  stall: (random) => ({
    faults: [{ kind: 'stall', after: random.below(20_000), chance: 0.2 }],
    lasts: seconds(random, 1, 5),
  }),
  pause: (random) => ({
    faults: [{ kind: 'stall', after: random.below(20_000), ms: random.below(2500), chance: 0.3 }],
    lasts: seconds(random, 1, 5),
  }),
  cut: (random) => ({
    faults: [{ kind: 'cut', after: random.below(30_000), chance: 0.5 }],
    lasts: seconds(random, 1, 8),
  }),
  length: (random) => ({
    faults: [{ kind: 'length', by: random.pick([-1, -500, 1, 4096]), chance: 0.5 }],
    lasts: seconds(random, 1, 5),
  }),
  chunked: (random) => ({ faults: [{ kind: 'chunked', chance: 0.5 }], lasts: seconds(random, 1, 5) }),
  gzip: (random) => ({ faults: [{ kind: 'gzip', chance: 0.5 }], lasts: seconds(random, 1, 5) }),
  'chunked and cut': (random) => ({
    faults: [{ kind: 'chunked' }, { kind: 'cut', after: random.below(10_000), chance: 0.5 }],
    lasts: seconds(random, 1, 4),
  }),
  close: (random) => ({ faults: [{ kind: 'close', chance: 0.5 }], lasts: seconds(random, 1, 6) }),
  'ignore-range': (random) => ({
    faults: [{ kind: 'ignore-range' }, { kind: 'cut', after: 5000, chance: 0.3 }],
    lasts: seconds(random, 1, 5),
  }),
  'wrong-range': (random) => ({
    faults: [{ kind: 'wrong-range' }, { kind: 'cut', after: 5000, chance: 0.3 }],
    lasts: seconds(random, 1, 5),
  }),
  raw: (random) => ({
    faults: [
      {
        kind: 'raw',
        head: random.pick([
          'HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nContent-Length: 7\r\n\r\n',
          'HTTP/1.1 200 OK\r\n\r\n',
          'nothing of the kind\r\n',
          'HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n',
        ]),
        body: random.chance(0.5),
        chance: 0.5,
      },
    ],
    lasts: seconds(random, 1, 4),
  }),
  '404 for all': (random) => ({ faults: [{ kind: 'status', status: 404 }], lasts: seconds(random, 0.5, 6), lists: 0 }),
  '404 for files': (random) => ({
    faults: [{ kind: 'status', status: 404, on: 'data', chance: 0.3 }],
    lasts: seconds(random, 0.5, 4),
    lists: 0,
  }),
  500: (random) => ({ faults: [{ kind: 'status', status: 500, chance: 0.3 }], lasts: seconds(random, 1, 8), lists: 0 }),
  '503 for all': (random) => ({ faults: [{ kind: 'status', status: 503 }], lasts: seconds(random, 1, 6), lists: 0 }),
  'removed, and 500': (random) => ({
    faults: [{ kind: 'status', status: 500, executed: true, methods: ['DELETE'], chance: 0.5 }],
    lasts: seconds(random, 1, 6),
  }),
  'removed, and reset': (random) => ({
    faults: [{ kind: 'reset', methods: ['DELETE'], chance: 0.5 }],
    lasts: seconds(random, 1, 6),
  }),
  reset: (random) => ({ faults: [{ kind: 'reset', chance: 0.3 }], lasts: seconds(random, 1, 6), lists: 0 }),
  delay: (random) => ({
    faults: [{ kind: 'delay', ms: random.below(1500), chance: 0.3 }],
    lasts: seconds(random, 1, 8),
    lists: 1500,
  }),
  'lists are pages': (random) => ({
    faults: [{ kind: 'body', text: '<html>no list</html>', type: 'text/html' }],
    lasts: seconds(random, 0.5, 5),
    lists: 0,
  }),
  'lists are empty': (random) => ({
    faults: [{ kind: 'body', text: random.pick(['[]', '{"value": null}', '{"value": []}']) }],
    lasts: seconds(random, 0.5, 5),
    lists: 0,
  }),
  'list-late': (random) => {
    const ms = random.below(3000)
    return { faults: [{ kind: 'list-late', ms }], lasts: seconds(random, 1, 8), lists: ms }
  },
  'list-stale': (random) => ({
    faults: [{ kind: 'list-stale', ms: random.below(5000) }],
    lasts: seconds(random, 1, 8),
  }),
  growing: (random) => ({
    faults: [{ kind: 'growing', steps: 2 + random.below(5) }],
    lasts: seconds(random, 2, 10),
  }),
  late: (random) => ({ faults: [{ kind: 'late', ms: random.below(2000) }], lasts: seconds(random, 2, 10) }),
  hostile: (random) => ({ faults: [], lasts: seconds(random, 0.1, 1), act: (dcu) => dcu.addHostile() }),
  restart: (random) => {
    const downtime = seconds(random, 1.5, 6)
    return { faults: [], lasts: downtime, lists: 0, act: (dcu) => dcu.restart({ downtime }) }
  },
  clear: () => ({
    faults: [],
    lasts: 100,
    act: (dcu) => fetch(`${dcu.url}/filewriter/api/${dcu.version}/command/clear`, { method: 'PUT' }),
  }),
}

/** What loses files, and what brings names that are refused, is seldom. */
const seldom: Readonly<Record<string, number>> = { restart: 0.3, clear: 0.15, hostile: 0.3, '404 for all': 0.6 }

export function drawDisturbance(random: Random): Disturbance {
  for (;;) {
    const name = random.pick(Object.keys(menu))
    const draw = menu[name]
    if (draw !== undefined && random.chance(seldom[name] ?? 1)) return { name, ...draw(random) }
  }
}
