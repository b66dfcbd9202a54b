/** Says which key of the configuration an error is about. */
import { SustenError, withMessage } from '../../errors.js'
import type { GrimselConfig } from '../config/index.js'

/** Does something; what goes wrong there is a matter of this key. */
export async function asOf<T>(key: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof SustenError ? withMessage(error, `${key}: ${error.message}`) : error
  }
}

/** An error of opening the Grimsel: told by the file that it names. */
export function blamed(config: GrimselConfig, error: unknown): unknown {
  if (!(error instanceof SustenError)) return error
  const key = keyOf(config, error)
  return key === undefined ? error : withMessage(error, `${key}: ${error.message}`)
}

function keyOf({ journalDirectory, bufferDirectory, ramdiskMountpoint }: GrimselConfig, error: SustenError) {
  const { code, path = '' } = error
  if (code.startsWith('ERR_SUSTEN_JOURNAL') || isBelow(journalDirectory, path)) return 'journal_directory'
  if (path === ramdiskMountpoint && path !== bufferDirectory) return 'ramdisk_mountpoint'
  return isBelow(bufferDirectory, path) ? 'buffer_directory' : undefined
}

const isBelow = (directory: string, path: string): boolean => path === directory || path.startsWith(`${directory}/`)
