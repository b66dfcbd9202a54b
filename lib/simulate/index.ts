/** A simulated detector: images, HDF5 series and CBF files as real ones write them. */
export { type CbfImage, decodeCbf } from './cbf.js'
export { type Detector, type DetectorSize, eiger, pilatus } from './detector.js'
export type { Experiment } from './diffraction.js'
export { baseName, describeSeries, filesOf, type Series, type SeriesFile, type SeriesOptions } from './series.js'
export {
  type DetectorRun,
  type SeriesWriter,
  startWriter,
  type WriterMessage,
  type WriterOptions,
  type WrittenFile,
} from './writer.js'
