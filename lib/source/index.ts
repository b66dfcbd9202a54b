/** Where announcements come from: a user's call, a watched directory, or a file pipe. */
export { type AnnouncedPath, parseAnnounced } from './announced-path.js'
export { type Directory, type DirectoryOptions, openDirectory } from './directory.js'
export { isGone } from './look.js'
export {
  type BadLines,
  type FifoKeeper,
  type FilePipe,
  openPipe,
  type PipeMessage,
  type PipeOptions,
} from './pipe/index.js'
export { openSweep, type Sweep } from './sweep.js'
