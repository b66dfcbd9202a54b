/** What the demo's two detectors measure: series of new names in two users' turns, sized to the time and the rate. */
import {
  baseName,
  type Detector,
  describeSeries,
  eiger,
  filesOf,
  pilatus,
  type Series,
  type SeriesFile,
} from '../simulate/index.js'
import type { ExpectedContent } from './verify.js'

/** The whole of it. */
export interface Plan {
  readonly detectors: readonly PlannedDetector[]
  readonly files: number
  /** About how many bytes all files take together. */
  readonly bytes: number
}

/** One detector's part. Plain data: it is sent to the process that plays the detectors. */
export interface PlannedDetector {
  /** For the display. */
  readonly name: string
  /** Of the source that reads its server. */
  readonly id: string
  /** Of the server's API. */
  readonly version: '1.6.0' | '1.8.0'
  readonly detector: Detector
  readonly imagesPerFile: number
  /** `$id` becomes the number of the series. */
  readonly namePattern: string
  /** Its series, one after the other. Their numbers go on from turn to turn. */
  readonly turns: readonly [Turn, Turn]
  /** It waits between the turns until it is told to go on; else it measures on while the user changes. */
  readonly waits: boolean
  readonly seed: number
  /** Bytes of the server's memory. */
  readonly memory: number
  readonly files: number
}

/** One detector's part of a user's turn. */
export interface Turn {
  /** Images of each series, one at least. */
  readonly series: readonly number[]
  /** Seconds an image. */
  readonly frameTime: number
}

/** Three files in eight are HDF5, the others CBF. */
const HDF5_SHARE = 3 / 8
const IMAGES_PER_DATA_FILE = 2
const DATA_FILES_PER_SERIES = 20
const IMAGES_PER_CBF_SERIES = 50
/** A server has room for what comes in so many seconds, and for so much at least. */
const SECONDS_IN_MEMORY = 120
const LEAST_MEMORY = 1024 ** 3

/** Plans `seconds` of work at `rate` files per second; a detector has one series a turn at least. */
export function planDemo({ seconds, rate, seed }: { seconds: number; rate: number; seed: number }): Plan {
  const files = seconds * rate
  const masterAndData = Math.max(4, Math.round(files * HDF5_SHARE))
  const images = Math.max(2, Math.round(files * (1 - HDF5_SHARE)))
  const common = { seconds, rate, seed }
  const detectors = [
    plan(common, {
      name: 'EIGER2 500K',
      id: 'eiger',
      version: '1.8.0',
      detector: eiger(),
      imagesPerFile: IMAGES_PER_DATA_FILE,
      namePattern: 'lysozyme/run$id/lyso_$id',
      // A master and its data files belong to one user.
      waits: true,
      series: halves(masterAndData).map(seriesOfHdf5),
    }),
    plan(common, {
      name: 'PILATUS3 300K',
      id: 'pilatus',
      version: '1.6.0',
      detector: pilatus(),
      imagesPerFile: 1,
      namePattern: 'insulin/run$id/insulin_$id',
      waits: false,
      series: halves(images).map(seriesOfCbf),
    }),
  ]
  const all = detectors.flatMap((one) => seriesOf(one))
  return {
    detectors,
    files: detectors.reduce((sum, one) => sum + one.files, 0),
    bytes: all.reduce((sum, one) => sum + sizeOf(one), 0),
  }
}

type Sketch = Omit<PlannedDetector, 'turns' | 'seed' | 'memory' | 'files'> & { readonly series: number[][] }

function plan(
  { seconds, seed }: { readonly seconds: number; readonly seed: number },
  { series, ...sketch }: Sketch,
): PlannedDetector {
  const [first, second] = series.map((one): Turn => ({ series: one, frameTime: seconds / 2 / sum(one) }))
  if (first === undefined || second === undefined) throw new RangeError('there are two turns')
  const planned: PlannedDetector = {
    ...sketch,
    turns: [first, second],
    seed: (seed * 2 + (sketch.waits ? 0 : 1)) % 2 ** 32,
    memory: LEAST_MEMORY,
    files: 0,
  }
  const all = seriesOf(planned)
  const bytes = all.reduce((total, one) => total + sizeOf(one), 0)
  return {
    ...planned,
    memory: Math.max(LEAST_MEMORY, Math.ceil((bytes / seconds) * SECONDS_IN_MEMORY)),
    files: all.reduce((total, one) => total + [...filesOf(one)].length, 0),
  }
}

/** All series of a detector, in order. */
export function seriesOf({ detector, imagesPerFile, namePattern, turns, seed }: PlannedDetector): Series[] {
  return turns
    .flatMap(({ series, frameTime }) => series.map((images) => ({ images, frameTime })))
    .map(({ images, frameTime }, index) => {
      const name = namePattern.replaceAll('$id', String(index + 1))
      return describeSeries({ detector, name, images, imagesPerFile, seed, experiment: { frameTime } })
    })
}

/** What each of a detector's files has in it, by the file's name. */
export function contentsOf(planned: PlannedDetector): Map<string, ExpectedContent> {
  const contents = new Map<string, ExpectedContent>()
  for (const series of seriesOf(planned)) {
    for (const file of filesOf(series)) contents.set(file.name, contentOf(series, file))
  }
  return contents
}

/** What is in a file of a series. */
export function contentOf(series: Series, { kind, firstImage, lastImage }: SeriesFile): ExpectedContent {
  const { width, height, bitDepth } = series.detector
  if (kind === 'cbf') return { kind: 'cbf', width, height }
  if (kind === 'data') return { kind: 'data', firstImage, lastImage, width, height, bitDepth }
  const links = [...filesOf(series)]
    .filter((file) => file.kind === 'data')
    .map((data, index) => ({
      name: `data_${String(index + 1).padStart(6, '0')}`,
      file: baseName(data.name),
      firstImage: data.firstImage,
      lastImage: data.lastImage,
      width,
      height,
      bitDepth,
    }))
  return { kind: 'master', links }
}

function halves(whole: number): [number, number] {
  const first = Math.ceil(whole / 2)
  return [first, whole - first]
}

/** Series that have so many files in all, masters among them. */
function seriesOfHdf5(files: number): number[] {
  const series: number[] = []
  for (let left = Math.max(2, files); left >= 2; ) {
    const dataFiles = Math.min(DATA_FILES_PER_SERIES, left - 1)
    series.push(dataFiles * IMAGES_PER_DATA_FILE)
    left -= dataFiles + 1
  }
  return series
}

function seriesOfCbf(images: number): number[] {
  const series: number[] = []
  for (let left = images; left > 0; left -= IMAGES_PER_CBF_SERIES) series.push(Math.min(IMAGES_PER_CBF_SERIES, left))
  return series
}

/** A compressed PILATUS pixel takes little more than a byte. */
function sizeOf({ detector, images }: Series): number {
  const pixel = detector.family === 'eiger' ? detector.bitDepth / 8 : 1.05
  return images * (detector.width * detector.height * pixel + 8192) + 65_536
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)
