/**
 * The detector: its states, its commands, and the series that it takes.
 * Source: SPEC16, SPEC18; areaDetector/ADEiger `restApi.cpp` (arm's answer has `sequence id`, trigger answers when the
 * images are taken); DECTRIS `DEigerClient` (the same); dls-controls/tickit-devices `eiger.py` (states).
 */
import { describeSeries, type Series } from '../series.js'
import { type Acquisition, startAcquisition } from './acquisition.js'
import { detectorConfig } from './detector-config.js'
import type { FaultBook } from './faults.js'
import type { FileStore } from './files.js'
import { filewriterConfig, formatOf } from './filewriter.js'
import type { Maker } from './maker.js'
import type { Parameters } from './parameters.js'
import type { DcuSettings } from './settings.js'

export type DetectorState = 'na' | 'idle' | 'ready' | 'acquire'

/** Commands, with what they need. */
export const detectorCommands = [
  'abort',
  'arm',
  'cancel',
  'check_connection',
  'disarm',
  'initialize',
  'status_update',
  'trigger',
] as const

export type DetectorCommand = (typeof detectorCommands)[number]

/** How a command ended: with the id of the series that it concerned, with nothing to tell, or refused. */
export type CommandResult = { readonly series?: number } | { readonly refused: string }

export interface SimulatedDetector {
  readonly state: DetectorState
  readonly config: Parameters
  readonly filewriter: Parameters
  /** A series is armed, with files. */
  readonly isWriting: boolean
  command(name: DetectorCommand): Promise<CommandResult>
  /** A trigger from outside. */
  triggerFromOutside(): Promise<void>
  /** The file writer's configuration as at first, and series begin at 1 again. */
  initializeFilewriter(): void
  /** As after switching it on. */
  crash(): Promise<void>
}

/** What the detector works with. */
export interface DetectorParts {
  readonly settings: DcuSettings
  readonly maker: Maker
  readonly store: FileStore
  readonly faults: FaultBook
  readonly onSeries: (id: number, state: 'armed' | 'ended') => void
}

/** How many steps files grow in, if the fault doesn't say it. */
const USUAL_GROWTH = 4

export function createDetector({ settings, maker, store, faults, onSeries }: DetectorParts): SimulatedDetector {
  const config = detectorConfig(settings)
  const filewriter = filewriterConfig(settings)
  const firstState = (): DetectorState => (settings.ready ? 'idle' : 'na')
  let state = firstState()
  let lastSeries = 0
  /** Never begins again: a name that comes again has other content. */
  let armings = 0
  let acquisition: Acquisition | undefined
  let isArming = false
  let isWriting = false
  /** Aborted when it is switched off. */
  let power = new AbortController()

  const refuse = (why: string): CommandResult => ({ refused: why })

  function seriesOf(id: number): Series {
    const triggers = config.number('ntrigger')
    const images = config.number('nimages') * triggers
    return describeSeries({
      detector: settings.detector,
      name: filewriter.text('name_pattern').replaceAll('$id', String(id)),
      images,
      triggers,
      imagesPerFile: filewriter.number('nimages_per_file'),
      firstNumber: filewriter.number('image_nr_start'),
      format: formatOf(filewriter),
      deflate: filewriter.flag('compression_enabled') ? 1 : 0,
      ...(settings.variety > 0 && { variety: settings.variety }),
      seed: (settings.seed + ++armings * 0x10000) % 2 ** 32,
      experiment: {
        ...settings.experiment,
        wavelength: config.number('wavelength'),
        distance: config.number('detector_distance'),
        beamX: config.number('beam_center_x'),
        beamY: config.number('beam_center_y'),
        startAngle: config.number('omega_start'),
        increment: config.number('omega_increment'),
        frameTime: config.number('frame_time'),
      },
    })
  }

  async function arm(): Promise<CommandResult> {
    if (state !== 'idle' || isArming)
      return refuse(`arm: the detector is ${isArming ? 'being armed' : state}, not idle`)
    if (config.number('nimages') * config.number('ntrigger') > 999_999) {
      return refuse('arm: nimages x ntrigger must be at most 999999')
    }
    isArming = true
    const off = power.signal
    try {
      const id = ++lastSeries
      const series = seriesOf(id)
      const ratio = series.deflate > 0 && settings.compressionRatio > 1 ? settings.compressionRatio : undefined
      const files = filewriter.text('mode') === 'enabled' ? maker.open(series, ratio) : undefined
      const frameTime = series.experiment.frameTime
      const growth = (): number => {
        const fault = faults.standing('growing')
        return fault === undefined ? 0 : (fault.steps ?? USUAL_GROWTH)
      }
      const lag = (): number => faults.standing('late')?.ms ?? 0
      const armed = await startAcquisition({ id, series, files, store, frameTime, growth, lag, off })
      if (off.aborted) {
        await armed.end()
        return refuse('arm: the detector was switched off')
      }
      acquisition = armed
      isWriting = files !== undefined
      state = 'ready'
      onSeries(id, 'armed')
      return { series: id }
    } finally {
      isArming = false
    }
  }

  /** Takes the images of a trigger; the last one ends the series. */
  async function expose(): Promise<void> {
    const current = acquisition
    if (current === undefined || state !== 'ready') return
    state = 'acquire'
    try {
      await current.trigger()
    } catch (error) {
      // A file couldn't be made: the series is over.
      if (acquisition === current) await stop()
      throw error
    }
    // It may have been ended, and even followed by another, meanwhile.
    if (acquisition !== current) return
    state = 'ready'
    if (current.isOver) await stop()
  }

  async function stop(): Promise<number | undefined> {
    const current = acquisition
    acquisition = undefined
    if (current === undefined) return undefined
    await current.end()
    isWriting = false
    state = 'idle'
    onSeries(current.id, 'ended')
    return current.id
  }

  async function trigger(): Promise<CommandResult> {
    const current = acquisition
    if (current === undefined || state !== 'ready') return refuse(`trigger: the detector is ${state}, not ready`)
    // In the external modes it is accepted, and nothing happens.
    if (config.text('trigger_mode').startsWith('int')) await expose()
    return { series: current.id }
  }

  function initialize(): CommandResult {
    if (acquisition !== undefined || isArming) return refuse('initialize: a series is armed; disarm or abort it first')
    config.reset()
    lastSeries = 0
    state = 'idle'
    return {}
  }

  return {
    get state() {
      return state
    },
    get isWriting() {
      return isWriting
    },
    config,
    filewriter,
    async command(name) {
      if (name === 'initialize') return initialize()
      if (name === 'status_update' || name === 'check_connection') return {}
      if (state === 'na') return refuse(`${name}: the detector isn't initialized`)
      if (name === 'arm') return arm()
      if (name === 'trigger') return trigger()
      return { series: (await stop()) ?? lastSeries }
    },
    triggerFromOutside: expose,
    initializeFilewriter() {
      filewriter.reset()
      filewriter.set('mode', 'disabled')
      lastSeries = 0
    },
    async crash() {
      power.abort()
      power = new AbortController()
      await stop()
      config.reset()
      filewriter.reset()
      lastSeries = 0
      state = firstState()
    },
  }
}
