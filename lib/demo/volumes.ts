/** Keeps an eye on how full the demo's file systems are. */
import { bytesOfText } from '../bytes.js'
import { openEngine, type Volume } from '../engine/index.js'

/** A directory and the file system below it. */
export interface WatchedVolume {
  readonly name: string
  readonly path: string
  /** As last read. */
  readonly volume: Volume
}

/** Readings that go on until it is closed. */
export interface VolumeWatch extends AsyncDisposable {
  readonly read: () => readonly WatchedVolume[]
}

/** Reads each directory's file system now, and then once a second. */
export async function watchVolumes(paths: Readonly<Record<string, string>>): Promise<VolumeWatch> {
  const engine = openEngine({ threads: 1 })
  const look = async (): Promise<WatchedVolume[]> =>
    await Promise.all(
      Object.entries(paths).map(async ([name, path]) => ({
        name,
        path,
        volume: await engine.volume(bytesOfText(path)),
      })),
    )
  let latest: readonly WatchedVolume[]
  try {
    latest = await look()
  } catch (error) {
    await engine.close('cancel')
    throw error
  }
  let looking = false
  const timer = setInterval(() => {
    if (looking) return
    looking = true
    // A directory that can't be read keeps its last reading; the mirror tells what is wrong with it.
    look()
      .then((found) => {
        latest = found
      })
      .catch(() => {})
      .finally(() => {
        looking = false
      })
  }, 1000)
  return {
    read: () => latest,
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await engine.close('cancel')
    },
  }
}
