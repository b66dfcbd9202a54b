/** What must be there before Grimsel begins. Storages may come later. */
import { checkNeeds } from '../../daemon/index.js'
import type { GrimselConfig } from '../config/index.js'

/** @throws SustenError what is missing, with the key of the file */
export async function checkGrimsel(config: GrimselConfig): Promise<void> {
  const { ramdiskMountpoint, bufferDirectory, controlSocket, logfile, filePipe } = config
  const mount = { key: 'ramdisk_mountpoint', path: ramdiskMountpoint }
  const key = bufferDirectory === ramdiskMountpoint ? mount.key : 'buffer_directory'
  await checkNeeds({
    directories: [{ key, path: bufferDirectory, mount }],
    files: [
      { key: 'control_socket', path: controlSocket },
      { key: 'logfile', path: logfile },
      { key: 'file_pipe', path: filePipe },
    ],
  })
}
