/** Where announcements come from: a user's call, or a watched directory. */
export { type AnnouncedPath, parseAnnounced } from './announced-path.js'
export { type Directory, type DirectoryOptions, openDirectory } from './directory.js'
export { isGone } from './look.js'
export { openSweep, type Sweep } from './sweep.js'
