/** A series: one acquisition, the files that it consists of, and their names. */
import { checkInteger } from '../options.js'
import type { Detector } from './detector.js'
import type { Experiment } from './diffraction.js'

/** What {@link describeSeries} needs; everything else has realistic defaults. */
export interface SeriesOptions {
  readonly detector: Detector
  /** Path and prefix of the files below the detector's directory, such as `run1/lyso_1`. */
  readonly name: string
  /** Images in the series. */
  readonly images: number
  /** Images per data file of an EIGER. Default 100, as the file writer's. */
  readonly imagesPerFile?: number
  /** Same seed, same images. Default 1. */
  readonly seed?: number
  /** When the series is armed. Default: now. */
  readonly started?: Date
  /** Default: 12.66 keV at 0.12 m (EIGER) or 0.2 m (PILATUS), 0.1° and 10 ms an image, beam near the centre. */
  readonly experiment?: Partial<Experiment>
}

/** One acquisition. Plain data: it can be sent to a worker. */
export interface Series {
  readonly detector: Detector
  readonly name: string
  readonly images: number
  readonly imagesPerFile: number
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
 * @throws SustenError `ERR_SUSTEN_OPTION` for numbers of images that are no whole numbers from 1.
 */
export function describeSeries(options: SeriesOptions): Series {
  const { detector, name, images, imagesPerFile = 100, seed = 1, started = new Date() } = options
  checkInteger('images', images, 1, 999_999)
  checkInteger('imagesPerFile', imagesPerFile, 1, 999_999)
  const experiment: Experiment = {
    wavelength: 0.9793,
    distance: detector.family === 'eiger' ? 0.12 : 0.2,
    beamX: Math.round(detector.width * 0.497 * 100) / 100,
    beamY: Math.round(detector.height * 0.512 * 100) / 100,
    startAngle: 0,
    increment: 0.1,
    frameTime: 0.01,
    ...options.experiment,
  }
  return { detector, name, images, imagesPerFile, seed, started, experiment }
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
