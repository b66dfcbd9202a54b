/** From the configuration to what a Grimsel is opened with. */
import type { GrimselConfig, GrimselStorage } from '../config/index.js'
import type { GrimselOptions } from '../types.js'

export function grimselOptions(config: GrimselConfig): GrimselOptions {
  const { bufferDirectory, ramdiskMountpoint, fillstateLimit, fillstateLowWater, createLinks } = config
  return {
    buffer: { directory: bufferDirectory, mountPoint: ramdiskMountpoint },
    space: { limit: fillstateLimit, lowWater: fillstateLowWater, createLinks },
    storages: config.storages.map((storage) => storageOptions(config, storage)),
    journal: config.journalDirectory,
    history: config.historyMaxEntries,
  }
}

function storageOptions(config: GrimselConfig, storage: GrimselStorage): GrimselOptions['storages'][number] {
  const { id, type, target, nCopyProcesses, requiredMount, verify, durability } = storage
  return {
    id,
    type,
    target,
    ...(requiredMount === undefined ? {} : { mountPoint: requiredMount }),
    concurrency: nCopyProcesses,
    verify,
    durability,
    preserve: {
      ...(config.preserveUid ? {} : { uid: 'off' }),
      ...(config.preserveGid ? {} : { gid: 'off' }),
    },
  }
}
