/** A series: one acquisition, the files that it consists of, and their names. */
import { inspect } from 'node:util'
import { checkInteger, optionError } from '../options.js'
import type { Detector } from './detector.js'
import type { Experiment } from './diffraction.js'

/** What {@link describeSeries} needs; everything else has realistic defaults. */
export interface SeriesOptions {
  readonly detector: Detector
  /** Path and prefix of the files below the detector's directory, such as `run1/lyso_1`. */
  readonly name: string
  /** Images in the series, of all triggers together. */
  readonly images: number
  /** Images per data file of an EIGER; 0: all images are in the master. Default 100. */
  readonly imagesPerFile?: number
  /** Triggers that the images are divided among. Default 1. */
  readonly triggers?: number
  /** The number that the first image has in an EIGER's files. Default 1. */
  readonly firstNumber?: number
  /** How an EIGER's master is made. Default `legacy`. */
  readonly format?: EigerFormat
  /** Level of deflate that an EIGER's images are compressed with, 0 (not at all) … 9. Default 0. */
  readonly deflate?: number
  /** Different images, after which they repeat: they are drawn once, and take memory. Default: all differ. */
  readonly variety?: number
  /** Same seed, same images. Default 1. */
  readonly seed?: number
  /** When the series is armed. Default: now. */
  readonly started?: Date
  /** Default: 12.66 keV at 0.12 m (EIGER) or 0.2 m (PILATUS), 0.1° and 10 ms an image, beam near the centre. */
  readonly experiment?: Partial<Experiment>
}

/**
 * `legacy`: external links to the data files. `v2024.2`: one virtual dataset of four dimensions, image, channel, row and
 * column. The detector's names of them are `hdf5 nexus legacy nxmx` and `hdf5 nexus v2024.2 nxmx`.
 */
export type EigerFormat = 'legacy' | 'v2024.2'

/** One acquisition. Plain data: it can be sent to a worker. */
export interface Series {
  readonly detector: Detector
  readonly name: string
  readonly images: number
  readonly imagesPerFile: number
  readonly triggers: number
  readonly firstNumber: number
  readonly format: EigerFormat
  readonly deflate: number
  readonly variety: number
  readonly seed: number
  readonly started: Date
  readonly experiment: Experiment
}

/** One file of a series. Image numbers count from 1 and include both ends. */
export interface SeriesFile {
  /** Path below the detector's directory. */
  readonly name: string
  readonly kind: 'master' | 'data' | 'cbf'
  readonly firstImage: number
  readonly lastImage: number
}

/**
 * Completes a series from its options.
 * @throws SustenError `ERR_SUSTEN_OPTION` for numbers that are out of range.
 */
export function describeSeries(options: SeriesOptions): Series {
  const { detector, name, images, imagesPerFile = 100, triggers = 1, seed = 1, started = new Date() } = options
  const { firstNumber = 1, format = 'legacy', deflate = 0, variety = images } = options
  checkInteger('images', images, 1, 999_999)
  checkInteger('imagesPerFile', imagesPerFile, 0, 999_999)
  checkInteger('triggers', triggers, 1, images)
  checkInteger('firstNumber', firstNumber, 0, 2 ** 31 - 1 - images)
  checkInteger('deflate', deflate, 0, 9)
  checkInteger('variety', variety, 1, 999_999)
  const experiment: Experiment = {
    wavelength: 0.9793,
    distance: detector.family === 'eiger' ? 0.12 : 0.2,
    beamX: Math.round(detector.width * 0.497 * 100) / 100,
    beamY: Math.round(detector.height * 0.512 * 100) / 100,
    startAngle: 0,
    increment: 0.1,
    frameTime: 0.01,
    brightness: 12,
    ...options.experiment,
  }
  checkNumber('experiment.frameTime', experiment.frameTime, 0, 3600)
  checkNumber('experiment.brightness', experiment.brightness, 1e-6, 500)
  const content = { images, imagesPerFile, triggers, firstNumber, format, deflate, variety }
  return { detector, name, ...content, seed, started, experiment }
}

function checkNumber(name: string, value: unknown, least: number, most: number): void {
  if (typeof value === 'number' && value >= least && value <= most) return
  throw optionError(`option '${name}' must be a number from ${least} to ${most}, not ${inspect(value)}`)
}

/** The files of a series in the order in which a detector completes them: an EIGER's master comes first, at arm. */
export function* filesOf(series: Series): Generator<SeriesFile> {
  const { name, images, imagesPerFile } = series
  if (series.detector.family === 'pilatus') {
    for (let image = 1; image <= images; image++) {
      yield { name: `${name}_${digits(image, 5)}.cbf`, kind: 'cbf', firstImage: image, lastImage: image }
    }
    return
  }
  yield { name: `${name}_master.h5`, kind: 'master', firstImage: 1, lastImage: images }
  if (imagesPerFile === 0) return
  for (let first = 1, number = 1; first <= images; first += imagesPerFile, number++) {
    const lastImage = Math.min(images, first + imagesPerFile - 1)
    yield { name: `${name}_data_${digits(number, 6)}.h5`, kind: 'data', firstImage: first, lastImage }
  }
}

/** A number with leading zeros. */
export function digits(number: number, width: number): string {
  return String(number).padStart(width, '0')
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
