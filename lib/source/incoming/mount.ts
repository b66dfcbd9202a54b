/** Whether the directory is there, and on the file system that it should be on. */
import { type ByteString, bytesOfBuffer, textOfBytes } from '../../bytes.js'
import type { Engine, Volume } from '../../engine/index.js'
import { SustenError } from '../../errors.js'

export interface Mount {
  /**
   * Looks.
   * @param before What an earlier look found: it must be the same mount still.
   * @throws SustenError `ERR_SUSTEN_STORAGE`: another file system; `ETIMEDOUT`: it hangs; a system error
   */
  check(before?: Volume): Promise<Volume>
}

/** Milliseconds after which a file system hangs. */
const PATIENCE = 10_000

export function watchMount(engine: Engine, path: ByteString, mountPoint: ByteString | undefined): Mount {
  let expected = mountPoint
  /** One that hangs isn't asked again until it answers. */
  let asking: Promise<Volume> | undefined

  function ask(): Promise<Volume> {
    // So that a file in its place is no directory.
    asking ??= engine
      .volume(`${path}/.` as ByteString)
      .catch((error: unknown) => {
        throw missing(path, error)
      })
      .finally(() => {
        asking = undefined
      })
    return asking
  }

  return {
    async check(before) {
      const volume = await inTime(ask(), path)
      const at = bytesOfBuffer(volume.mountPointBytes)
      expected ??= at
      if (at !== expected) throw wrong(path, `nothing is mounted on '${textOfBytes(expected)}'`)
      if (before !== undefined && before.mountId !== volume.mountId) throw wrong(path, 'it was mounted anew meanwhile')
      return volume
    },
  }
}

/** Whether other computers may write to a file system without this one's being told. */
export const isRemote = ({ fsType }: Volume): boolean =>
  /^(nfs|cifs|smb|fuse|9p|afs|ceph|lustre|beegfs|gpfs)/.test(fsType)

/** What can be done about a directory that isn't there. */
function missing(path: ByteString, error: unknown): unknown {
  if (!(error instanceof SustenError) || (error.code !== 'ENOENT' && error.code !== 'ENOTDIR')) return error
  const { code, errno, syscall } = error
  const shown = textOfBytes(path)
  const why = code === 'ENOENT' ? `there is no directory '${shown}'` : `'${shown}' is no directory`
  const text = `${code}: ${why} (make or mount it, or correct the path of the source)`
  return new SustenError(text, { code, errno, syscall, path: shown, cause: error })
}

async function inTime<T>(answer: Promise<T>, path: ByteString): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const text = `ETIMEDOUT: the file system doesn't answer, statvfs '${textOfBytes(path)}'`
    const details = { code: 'ETIMEDOUT', errno: -110, syscall: 'statvfs', path: textOfBytes(path) }
    timer = setTimeout(() => reject(new SustenError(text, details)), PATIENCE)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

function wrong(path: ByteString, why: string): SustenError {
  const text = `ERR_SUSTEN_STORAGE: ${why}, source '${textOfBytes(path)}'`
  return new SustenError(text, { code: 'ERR_SUSTEN_STORAGE', syscall: 'mount', path: textOfBytes(path) })
}
