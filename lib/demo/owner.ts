/** Whose files the simulated detectors write. */
import { chown, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DemoOptions } from './options.js'
import type { Places } from './places.js'

/** A beamline user, whom no account belongs to. */
const USER = { uid: 51_000, gid: 51_000 }

/**
 * Another owner than the process, where that shows that owners are preserved: as root, in directories of the demo's
 * own, on file systems that know owners. Else undefined: the files belong to whoever runs the demo.
 */
export async function chooseOwner(options: DemoOptions, places: Places): Promise<typeof USER | undefined> {
  if (process.geteuid?.() !== 0) return undefined
  if ([options.buffer, options.internal, options.external].some((directory) => directory !== undefined))
    return undefined
  for (const directory of [places.buffer, places.internal, places.external]) {
    const probe = join(directory, '.owner')
    try {
      await writeFile(probe, '', { flag: 'wx' })
      await chown(probe, USER.uid, USER.gid)
    } catch {
      return undefined
    } finally {
      await unlink(probe).catch(() => {})
    }
  }
  return USER
}
