/** Says which key of the configuration an error is about. */
import { blamedOn } from '../../daemon/index.js'
import { SustenError } from '../../errors.js'
import { isWithin } from '../../paths.js'
import type { GrimselConfig } from '../config/index.js'

/** An error of opening the Grimsel: told by the file that it names. */
export function blamed(config: GrimselConfig, error: unknown): unknown {
  return error instanceof SustenError ? blamedOn(keyOf(config, error), error) : error
}

function keyOf({ journalDirectory, bufferDirectory, ramdiskMountpoint }: GrimselConfig, error: SustenError) {
  const { code, path = '' } = error
  if (code.startsWith('ERR_SUSTEN_JOURNAL') || isWithin(journalDirectory, path)) return 'journal_directory'
  // Without a key of its own, that is where files arrive.
  if (path === ramdiskMountpoint) return 'ramdisk_mountpoint'
  return isWithin(bufferDirectory, path) ? 'buffer_directory' : undefined
}
