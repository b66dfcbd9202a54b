/** A simulated detector server: the SIMPLON API over HTTP, with files that are really made, and faults on request. */
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createEmitter } from '../../observe/emitter.js'
import { optionError } from '../../options.js'
import { textOfThrown } from '../../thrown.js'
import { loadDigester } from '../digest.js'
import { createAdmin } from './admin.js'
import { createApi } from './api.js'
import { createDetector, type SimulatedDetector } from './detector.js'
import { checkFault } from './fault-check.js'
import { createFaultBook } from './faults.js'
import { createFileStore, type ServedFile } from './files.js'
import { hostileNames } from './hostile.js'
import { type HttpListener, listenHttp } from './listener.js'
import { createMaker } from './maker.js'
import { checkPut } from './parameters.js'
import { createServe } from './serve.js'
import { checkSettings } from './settings.js'
import { createTruth } from './truth.js'
import type { AcquireOptions, AddOptions, Dcu, DcuEvents, DcuOptions } from './types.js'

/**
 * Starts a detector server. `await using` closes it.
 * @throws SustenError `ERR_SUSTEN_OPTION`, or the system's code if it can't listen
 */
export async function simulateDcu(options: DcuOptions = {}): Promise<Dcu> {
  const settings = checkSettings(options)
  const digestOf = await loadDigester(settings.digests, (bytes) => createHash('sha256').update(bytes).digest('hex'))
  const events = createEmitter<DcuEvents>(['file', 'gone', 'dropped', 'request', 'series'], (error, type) => {
    process.emitWarning(`a listener of '${type}' threw: ${textOfThrown(error)}`)
  })
  const store = createFileStore(settings.memory, {
    onComplete: (file) => events.emit('file', file),
    onGone: (file) => events.emit('gone', file),
    onDropped: (file) => events.emit('dropped', file),
  })
  const faults = createFaultBook(settings.seed)
  for (const fault of settings.faults) faults.add(fault)
  const { truth, request } = createTruth(store, settings.maxRequests)
  const maker = settings.maker ?? createMaker({ digests: settings.digests })
  const onSeries = (id: number, state: 'armed' | 'ended'): void => events.emit('series', { id, state })
  const detector = createDetector({ settings, maker, store, faults, onSeries })
  const names = (): string[] =>
    store.names({ late: faults.standing('list-late')?.ms ?? 0, stale: faults.standing('list-stale')?.ms ?? 0 })

  /** All that is in memory is gone. */
  async function lose(): Promise<void> {
    await detector.crash()
    store.removeAll('lost')
  }

  const api = createApi({ settings, detector, store, names, restart: lose })
  const serve = createServe({
    api,
    store,
    faults,
    ranges: settings.ranges,
    onRequest(served) {
      request(served)
      events.emit('request', served)
    },
  })

  async function add(name: string, content: Uint8Array, { grow }: AddOptions = {}): Promise<ServedFile | undefined> {
    const bytes = Buffer.from(content)
    const stored = store.begin({ name, kind: 'added', series: undefined, content: bytes, digest: digestOf(bytes) })
    for (let step = 1; grow !== undefined && step <= grow.steps; step++) {
      stored?.grow(Math.floor((bytes.length * step) / (grow.steps + 1)))
      await sleep(grow.over / grow.steps)
    }
    stored?.complete()
    return stored?.record
  }

  async function addHostile(): Promise<readonly ServedFile[]> {
    const added = await Promise.all(
      hostileNames.map((name) => add(name, Buffer.from(`the content of ${name}`, 'utf8'))),
    )
    return added.filter((file) => file !== undefined)
  }

  let listener: HttpListener
  let admin: HttpListener | undefined
  let closed: Promise<void> | undefined
  function close(): Promise<void> {
    closed ??= (async () => {
      await Promise.all([listener?.close(), admin?.close()])
      await detector.crash()
      if (maker !== settings.maker) await maker[Symbol.asyncDispose]()
    })()
    return closed
  }

  try {
    listener = await listenHttp(settings, (incoming, response) => void serve(incoming, response))
    const dcu: Dcu = {
      url: listener.url,
      port: listener.port,
      get adminUrl() {
        return admin?.url
      },
      version: settings.version,
      truth,
      on: events.on,
      off: events.off,
      fault(fault) {
        const active = faults.add(checkFault('fault', fault))
        const clear = (): void => void faults.remove(active.id)
        return {
          id: active.id,
          get hits() {
            return active.hits
          },
          clear,
          [Symbol.dispose]: clear,
        }
      },
      removeFault: faults.remove,
      clearFaults: faults.clear,
      faults: faults.list,
      acquire: (wanted) => acquire(detector, wanted ?? {}),
      trigger: detector.triggerFromOutside,
      add,
      addHostile,
      async restart({ downtime = 0 } = {}) {
        await Promise.all([listener.interrupt(downtime), lose()])
      },
      close,
      [Symbol.asyncDispose]: close,
    }
    if (settings.adminPort !== undefined) {
      const answer = createAdmin(dcu)
      const place = { host: settings.host, port: settings.adminPort }
      admin = await listenHttp(place, (incoming, response) => void answer(incoming, response))
    }
    return dcu
  } catch (error) {
    await close()
    throw error
  }
}

/** Takes a series from within, in whatever mode the detector is triggered. */
async function acquire(detector: SimulatedDetector, wanted: AcquireOptions): Promise<number> {
  const { images, triggers, imagesPerFile, namePattern, frameTime } = wanted
  const puts = [
    [detector.config, 'nimages', images],
    [detector.config, 'ntrigger', triggers],
    [detector.config, 'frame_time', frameTime],
    [detector.filewriter, 'nimages_per_file', imagesPerFile],
    [detector.filewriter, 'name_pattern', namePattern],
  ] as const
  for (const [parameters, name, value] of puts) {
    const parameter = parameters.get(name)
    if (value === undefined || parameter === undefined) continue
    const put = checkPut(name, parameter, value)
    if ('refused' in put) throw optionError(`acquire: ${put.refused}`)
    parameters.set(name, put.value)
  }
  const armed = await detector.command('arm')
  if ('refused' in armed) throw optionError(armed.refused)
  for (let trigger = detector.config.number('ntrigger'); trigger > 0; trigger--) await detector.triggerFromOutside()
  return armed.series ?? 0
}
