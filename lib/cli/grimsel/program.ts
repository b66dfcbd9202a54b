/** Grimsel as a daemon. */
import { closeSync, constants, openSync } from 'node:fs'
import type { GrimselConfig } from '../../grimsel/config/index.js'
import type { DaemonStatus } from '../../grimsel/daemon/index.js'
import type { DaemonProgram } from '../daemon/program.js'
import { place } from './place.js'
import { statusText } from './status-text.js'

export const program: DaemonProgram<GrimselConfig, DaemonStatus> = {
  name: 'grimsel',
  entry: new URL('../grimsel.js', import.meta.url),
  place,
  extra: { usage: '', help: '', options: {}, words: () => [], instead: '' },
  restartHelp: 'Writers of the file pipe wait meanwhile; the shift and all that is pending go on.',
  async check({ config }) {
    const { checkGrimsel } = await import('../../grimsel/daemon/index.js')
    await checkGrimsel(config)
  },
  hold: ({ filePipe }) => holdPipe(filePipe),
  async begin(loaded, _args, options) {
    const { runGrimsel } = await import('../../grimsel/daemon/index.js')
    return runGrimsel(loaded, options)
  },
  statusText,
}

/** With somebody at its reading end, writers of the pipe wait, and what is in it stays. */
function holdPipe(path: string): () => void {
  try {
    const held = openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    return () => closeSync(held)
  } catch {
    // There is none yet, or somebody else's: the daemon will say what is wrong with it.
    return () => {}
  }
}
