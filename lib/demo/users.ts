/** Who measures in the demo: two users, one after the other. */
import { chown, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FurkaUser } from '../furka/index.js'
import type { DemoOptions } from './options.js'
import type { Places } from './places.js'

export type Users = readonly [FurkaUser, FurkaUser]

/** The users' directories on the buffer and on the storages. */
export const USER_DIRECTORIES = ['visit1', 'visit2'] as const

/** Beamline users, whom no accounts belong to. */
const NOBODIES = [51_000, 52_000] as const

/**
 * Two owners that aren't the process's, where that can be: as root, in directories of the demo's own, on file systems
 * that know owners. Else both users are whoever runs the demo, with a directory each.
 */
export async function chooseUsers(options: DemoOptions, places: Places): Promise<Users> {
  const others = await canGive(options, places)
  const user = (index: 0 | 1): FurkaUser => {
    const uid = others ? NOBODIES[index] : (process.geteuid?.() ?? 0)
    const gid = others ? NOBODIES[index] : (process.getegid?.() ?? 0)
    return { uid, gid, userDirectory: USER_DIRECTORIES[index] }
  }
  return [user(0), user(1)]
}

async function canGive({ buffer, internal, external }: DemoOptions, places: Places): Promise<boolean> {
  if (process.geteuid?.() !== 0) return false
  if ([buffer, internal, external].some((directory) => directory !== undefined)) return false
  for (const directory of [places.buffer, places.internal, places.external]) {
    const probe = join(directory, '.owner')
    try {
      await writeFile(probe, '', { flag: 'wx' })
      for (const id of NOBODIES) await chown(probe, id, id)
    } catch {
      return false
    } finally {
      await unlink(probe).catch(() => {})
    }
  }
  return true
}
