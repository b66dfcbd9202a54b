/** Puts a listening socket at a path, all at once, and takes it away again. */
import { once } from 'node:events'
import { chmodSync, chownSync, lstatSync, renameSync, type Stats, unlinkSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { type ByteString, bytesOfText } from '../bytes.js'
import { fromSystem, pathError, type SustenError } from '../errors.js'
import { lockBeside } from '../file-lock.js'
import { checkPlace } from '../place.js'
import type { Allow } from './peer.js'

/** Bytes of a socket's path that the system takes. */
export const longestPath = 107
/** Where a socket is made before it gets its name. */
const suffix = '.new'

/**
 * Makes a server listen at a path. What a process that has died left there is replaced. The socket has its owner and
 * mode when it gets its name.
 * @returns takes the socket away and gives the lock back; call it when the server is closed
 * @throws SustenError `ERR_SUSTEN_LOCKED` or `EADDRINUSE` if another process listens, `EEXIST` or `EPERM` where
 *   something else is in its place or the directory isn't safe, `ENAMETOOLONG`; or what the system says
 */
export async function placeSocket(server: Server, path: string, allow: Required<Allow>): Promise<() => void> {
  const bytes = bytesOfText(path)
  if (bytes.length + suffix.length > longestPath) {
    throw failed(
      'ENAMETOOLONG',
      `a socket's path may have ${longestPath - suffix.length} bytes, not ${bytes.length}:`,
      bytes,
    )
  }
  checkPlace(bytes, 'the control socket')
  const unlock = lockBeside(bytes, 'the control socket')
  try {
    await checkFree(path)
    const unfinished = `${path}${suffix}`
    await checkFree(unfinished)
    remove(unfinished)
    server.listen({ path: unfinished, exclusive: true })
    await once(server, 'listening')
    const gid = onlyGroup(allow)
    if (gid !== undefined) chownSync(unfinished, process.geteuid?.() ?? 0, gid)
    chmodSync(unfinished, modeFor(allow))
    const { dev, ino } = lstatSync(unfinished)
    renameSync(unfinished, path)
    return () => {
      const stats = lookAt(path)
      if (stats?.dev === dev && stats.ino === ino) remove(path)
      unlock()
    }
  } catch (error) {
    server.close()
    unlock()
    throw fromSystem(error, bytes)
  }
}

/** The mode keeps out whom it can; the kernel's word on each caller decides. */
function modeFor(allow: Required<Allow>): number {
  if (onlyGroup(allow) !== undefined) return 0o660
  return allow.uids.length + allow.gids.length === 0 ? 0o600 : 0o666
}

/** The one group that may call, if it is all that the mode has to tell. */
function onlyGroup({ uids, gids }: Required<Allow>): number | undefined {
  return uids.length === 0 && gids.length === 1 ? gids[0] : undefined
}

/** Whether the name may be taken: nothing is there, or what a process that has died left. */
async function checkFree(path: string): Promise<void> {
  const stats = lookAt(path)
  if (stats === undefined) return
  const bytes = bytesOfText(path)
  if (!stats.isSocket())
    throw failed('EEXIST', 'something else is where the control socket should be; move it away:', bytes)
  if (stats.uid !== 0 && stats.uid !== process.geteuid?.()) {
    throw failed('EPERM', `the control socket belongs to user ${stats.uid}; remove it:`, bytes)
  }
  if (await isServed(path)) throw failed('EADDRINUSE', 'another process listens at the control socket', bytes)
}

async function isServed(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    // Anything but this may mean a process that is busy.
    return !(error instanceof Error && 'code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOENT'))
  } finally {
    socket.destroy()
  }
}

function lookAt(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}

const failed = (code: string, why: string, path: ByteString): SustenError =>
  pathError(why, { code, syscall: 'bind', path })
