/** What the Mirror that is killed, and the test that kills it, must agree on. */
import { join } from 'node:path'
import type { MirrorOptions } from 'susten'

/** The Mirror's options; on `gpfs` temp files have names, as on file systems that know no others. */
export function victimOptions(root: string): MirrorOptions {
  return {
    source: join(root, 'source'),
    journal: join(root, 'journal'),
    storages: [
      { id: 'disk', type: 'internal', target: join(root, 'disk') },
      { id: 'gpfs', type: 'external', target: join(root, 'gpfs') },
    ],
    settle: 20,
    scanInterval: 1000,
    // Who can't link an unnamed file must name it from the start. The wait before it gets its final name lets some be met.
    engines: {
      gpfs: {
        faults: [
          { call: 'linkat', effect: 'EOPNOTSUPP', times: -1 },
          { call: 'renameat2', effect: 'delay', delay: 2, times: -1 },
        ],
      },
    },
  }
}

/** A file's content: from a few bytes to 64 KiB, never the same as another's. */
export function contentOf(name: string): Buffer {
  let sum = 0
  for (const letter of name) sum = (sum * 31 + letter.charCodeAt(0)) % 65_521
  return Buffer.alloc(name.length + sum, `${name}\n`)
}
