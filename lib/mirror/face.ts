/** What an open Mirror and an open Grimsel offer alike: their arguments are checked here. */
import type { PathInput } from '../bytes.js'
import { sourceName, statusOf } from '../core/index.js'
import { checkBoolean, checkInteger, checkNames, optionError } from '../options.js'
import { parseAnnounced } from '../source/index.js'
import { chosenStorages, listFailures, oneStorage, treatFailures } from './failures.js'
import { findFiles } from './find.js'
import { recopyAll } from './recopy.js'
import type { Session } from './session.js'
import type { AcceptOptions, FailureFilter, MirrorEvents, MirrorStatus, Replicator, WaitOptions } from './types.js'

/** Announcements per slice: about a millisecond's work. */
const slice = 256
/** Events that an iteration keeps for a slow reader. */
const defaultLimit = 10_000

type Listening<T> = {
  readonly [Method in 'on' | 'off' | 'once']: <K extends keyof MirrorEvents>(
    type: K,
    listener: (event: MirrorEvents[K]) => void,
  ) => T
}
type Face<T> = Omit<Replicator<MirrorStatus>, keyof Listening<T>> & Listening<T>

/** @param self The object that it becomes a part of: what listening returns. */
export function faceOf<T>(session: Session, self: () => T): Face<T> {
  const { source, journal, where, shell, state, telling, storages, now, checkOpen, close } = session

  const meant = (name: string, filter: FailureFilter) => {
    checkNames(name, filter, ['storage', 'path'])
    const path = filter.path === undefined ? undefined : parseAnnounced(source, filter.path, sourceName(state)).path
    return { storages: chosenStorages(state, filter.storage), path }
  }

  const treat = async (type: 'retry' | 'dismiss', filter: FailureFilter = {}): Promise<number> => {
    const which = meant(type, filter)
    checkOpen()
    return treatFailures(type, { journal, shell, now }, which)
  }

  const setPaused = (type: 'pause' | 'resume', storage: string | undefined): void => {
    if (storage !== undefined) oneStorage(state, storage)
    checkOpen()
    shell.post({ type, at: now(), storage })
  }

  const events = (given: WaitOptions & { readonly limit?: number | undefined } = {}) => {
    checkNames('events', given, ['signal', 'limit'])
    return telling.streams.iterate(checkInteger('limit', given.limit ?? defaultLimit, 1, 1 << 24), given.signal)
  }

  const listening = (method: keyof Listening<T>): Listening<T>['on'] => {
    return (type, listener) => {
      telling.emitter[method](type, listener)
      return self()
    }
  }

  return {
    journal: journal.directory,
    async add(paths: PathInput | readonly PathInput[], ...more: readonly unknown[]) {
      const list = listOf('add', paths, more)
      checkOpen()
      // All are read before the first is taken: a wrong one changes nothing.
      const files = list.map((path) => parseAnnounced(source, path, sourceName(state)))
      for (let at = 0; at < files.length; at += slice) await session.announce(files.slice(at, at + slice))
    },
    async find(paths: PathInput | readonly PathInput[], ...more: readonly unknown[]) {
      const list = listOf('find', paths, more)
      checkOpen()
      return findFiles(session, list)
    },
    status(): MirrorStatus {
      const { records, bytes } = journal.stats()
      const { announcing } = session
      return { ...statusOf(state, now()), announcing, journal: { directory: journal.directory, records, bytes } }
    },
    async idle(given: WaitOptions = {}) {
      checkNames('idle', given, ['signal'])
      await session.idle(given.signal)
    },
    failures: (filter: FailureFilter = {}) => listFailures(journal, where, meant('failures', filter)),
    retry: (filter) => treat('retry', filter),
    dismiss: (filter) => treat('dismiss', filter),
    async acceptStorage(id, given: AcceptOptions = {}) {
      checkNames('acceptStorage', given, ['recopy'])
      const recopy = checkBoolean('recopy', given.recopy ?? true)
      oneStorage(state, id)
      checkOpen()
      await shell.postDurably([{ type: 'accept', at: now(), storage: id }])
      await storages.get(id)?.refresh()
      await shell.postDurably([])
      if (recopy) await recopyAll({ source, journal, shell, now }, id)
    },
    pause: (storage) => setPaused('pause', storage),
    resume: (storage) => setPaused('resume', storage),
    on: listening('on'),
    off: listening('off'),
    once: listening('once'),
    events,
    close,
    [Symbol.asyncIterator]: () => events(),
    [Symbol.asyncDispose]: () => close('stop'),
  }
}

function listOf(name: string, paths: PathInput | readonly PathInput[], more: readonly unknown[]): readonly PathInput[] {
  if (more.length > 0) throw optionError(`${name}: takes one path or a list of paths; more of them go into a list`)
  return Array.isArray(paths) ? (paths as readonly PathInput[]) : [paths as PathInput]
}
