/** What the Furka that is killed, and the test that kills it, must agree on. */
import { join } from 'node:path'
import { Furka, Grimsel, openSimplon } from 'susten'
import { quick } from './source-world.js'

/** The Grimsel's copies have temp files with names, and take some time to get their final ones: some are met. */
export async function openVictim(
  root: string,
  url: string,
): Promise<{ readonly furka: Furka; readonly grimsel: Grimsel }> {
  const grimsel = await Grimsel.open({
    buffer: { directory: join(root, 'buffer') },
    storages: [{ id: 'disk', type: 'internal', target: join(root, 'disk') }],
    journal: join(root, 'grimsel-journal'),
  })
  const furka = await Furka.open({
    sources: [
      {
        source: openSimplon({ id: 'dcu', host: url, ...quick }),
        target: `${join(root, 'buffer')}/./eiger`,
        // Who can't link an unnamed file must name it from the start.
        engine: {
          faults: [
            { call: 'linkat', effect: 'EOPNOTSUPP', times: -1 },
            { call: 'renameat2', effect: 'delay', delay: 2, times: -1 },
          ],
        },
      },
    ],
    journal: join(root, 'furka-journal'),
    grimsel,
  })
  return { furka, grimsel }
}
