/** What the demo's two detectors write: series of new directories and names, sized to the time and the rate. */
import { type DetectorRun, describeSeries, eiger, filesOf, pilatus, type Series } from '../simulate/index.js'

/** The whole of it. */
export interface Plan {
  readonly detectors: readonly PlannedDetector[]
  readonly files: number
  /** About how many bytes all files take together. */
  readonly bytes: number
}

/** One detector's part. */
export interface PlannedDetector extends DetectorRun {
  /** For the display. */
  readonly name: string
  readonly files: number
}

/** Three files in eight are HDF5, the others CBF. */
const HDF5_SHARE = 3 / 8
const IMAGES_PER_DATA_FILE = 2
const DATA_FILES_PER_SERIES = 20
const IMAGES_PER_CBF_SERIES = 50

/** Plans `seconds` of work at `rate` files per second; a detector has one series at least. */
export function planDemo({ seconds, rate, seed }: { seconds: number; rate: number; seed: number }): Plan {
  const files = seconds * rate
  const masterAndData = Math.max(2, Math.round(files * HDF5_SHARE))
  const images = Math.max(1, Math.round(files * (1 - HDF5_SHARE)))
  const started = new Date()
  const lysozyme: Series[] = []
  for (let left = masterAndData; left >= 2; ) {
    const dataFiles = Math.min(DATA_FILES_PER_SERIES, left - 1)
    const number = lysozyme.length + 1
    lysozyme.push(
      describeSeries({
        detector: eiger(),
        name: `lysozyme/run${number}/lyso_${number}`,
        images: dataFiles * IMAGES_PER_DATA_FILE,
        imagesPerFile: IMAGES_PER_DATA_FILE,
        seed: seed * 2 + number * 0x10000,
        started,
      }),
    )
    left -= dataFiles + 1
  }
  const insulin: Series[] = []
  for (let left = images; left > 0; left -= IMAGES_PER_CBF_SERIES) {
    const number = insulin.length + 1
    insulin.push(
      describeSeries({
        detector: pilatus(),
        name: `insulin/run${number}/insulin_${number}`,
        images: Math.min(IMAGES_PER_CBF_SERIES, left),
        seed: seed * 2 + 1 + number * 0x10000,
        started,
      }),
    )
  }
  const detectors = [
    detector('EIGER2 500K', lysozyme, rate * HDF5_SHARE, 0o640),
    detector('PILATUS3 300K', insulin, rate * (1 - HDF5_SHARE), 0o644),
  ]
  const bytes = [...lysozyme, ...insulin].reduce((sum, series) => sum + sizeOf(series), 0)
  return { detectors, files: detectors.reduce((sum, { files }) => sum + files, 0), bytes }
}

function detector(name: string, series: readonly Series[], filesPerSecond: number, mode: number): PlannedDetector {
  const files = series.reduce((sum, one) => sum + [...filesOf(one)].length, 0)
  return { name, series, filesPerSecond, mode, files }
}

/** A compressed PILATUS pixel takes little more than a byte. */
function sizeOf({ detector, images }: Series): number {
  const pixel = detector.family === 'eiger' ? detector.bitDepth / 8 : 1.05
  return images * (detector.width * detector.height * pixel + 8192) + 65_536
}
