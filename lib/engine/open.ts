/** Opens an engine: ties the table of jobs to the addon. */
import { textOfBytes } from '../bytes.js'
import { fromThrown, SustenError } from '../errors.js'
import { type NativeEngine, type NativeEngineOptions, native } from '../native.js'
import { copyFiles, copyTree } from './copy.js'
import type { Engine, EngineOptions } from './engine.js'
import { createJobs } from './jobs.js'
import { completeEngineOptions } from './options.js'
import { receive } from './receive.js'
import { release } from './release.js'
import { volumeOfNative } from './volume.js'
import { walkEntries } from './walk.js'

/**
 * Opens an engine: starts its threads.
 * @throws SustenError `ERR_SUSTEN_OPTION` for an unknown or wrong option, `EAGAIN` if no thread can be made
 */
export function openEngine(options: EngineOptions = {}): Engine {
  const { threads, nice, queueLimit, faults, tempTag } = completeEngineOptions(options)
  const jobs = createJobs({
    cancel: (id) => native.cancel(handle, id),
    busy: (busy) => native.refEngine(handle, busy),
  })
  const handle = openNative({ threads, nice, queueLimit, faults, tempTag, onEvents: jobs.dispatch })
  native.refEngine(handle, false)
  const host = {
    jobs,
    queueLimit,
    copyFiles: native.copyFiles.bind(native, handle),
    copyTree: native.copyTree.bind(native, handle),
    receiveFiles: native.receiveFiles.bind(native, handle),
    releaseFiles: native.releaseFiles.bind(native, handle),
    answerFilter: native.answerFilter.bind(native, handle),
    submit: native.walk.bind(native, handle),
    acknowledge: native.acknowledge.bind(native, handle),
  }

  let closed: Promise<void> | undefined
  function close(mode: 'drain' | 'cancel' = 'drain'): Promise<void> {
    jobs.refuse()
    if (mode === 'cancel') jobs.cancelAll()
    closed ??= jobs.idle().then(() => {
      native.refEngine(handle, true) // until the threads have ended
      return native.closeEngine(handle, mode)
    })
    return closed
  }

  return {
    threads,
    queueLimit,
    copyFiles: (job, o) => copyFiles(host, job, o),
    copyTree: (job, o) => copyTree(host, job, o),
    release: (job, o) => release(host, job, o),
    receive: (job, o) => receive(host, job, o),
    walk: (job, o) => walkEntries(host, job, o?.signal),
    async volume(path) {
      const done = await jobs.run({ submit: () => native.volume(handle, path) })
      if (done.volume === undefined) {
        throw new SustenError(`volume: no answer for '${textOfBytes(path)}'`, { code: 'ERR_SUSTEN_CLOSED' })
      }
      return volumeOfNative(done.volume)
    },
    close,
    [Symbol.asyncDispose]: () => close('cancel'),
  }
}

function openNative(options: NativeEngineOptions): NativeEngine {
  try {
    return native.openEngine(options)
  } catch (error) {
    throw fromThrown(error)
  }
}
