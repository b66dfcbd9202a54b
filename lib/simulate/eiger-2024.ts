/**
 * The HDF5 files of an EIGER2 in the file writer's format `hdf5 nexus v2024.2 nxmx`: one dataset of four dimensions
 * (image, channel, row, column), which in the master is a virtual one. The detector has one channel, `threshold_1`.
 * Source: DECTRIS, https://github.com/dectris/documentation/blob/main/filewriter/README.md, "List of Fields". What is
 * inside the data files isn't described there: here it is the same dataset without the metadata.
 */
import { type Pixels, pixelMask } from './detector.js'
import type { Hdf5Attributes, Hdf5Value, Hdf5Writer } from './hdf5.js'
import { imageRange, list, nexus, number, photonEnergy, texts, units, writeDetector } from './nexus.js'
import { baseName, filesOf, type Series, type SeriesFile } from './series.js'

const DATA = '/entry/data/data'
const DETECTOR = '/entry/instrument/detector'
const CHANNEL = `${DETECTOR}/threshold_1_channel`
const GEOMETRY = `${DETECTOR}/geometry`
const TRANSFORMATIONS = '/entry/sample/transformations'

/** Writes a data file: images `file.firstImage` … `file.lastImage`, one chunk each. `pixels` holds all of them. */
export function writeData2024(to: Hdf5Writer, series: Series, file: SeriesFile, pixels: Pixels): void {
  to.group('/entry', nexus('NXentry'))
  to.group('/entry/data', nexus('NXdata'))
  writeImages(to, series, file, pixels)
}

/** Writes the master file. `pixels` holds all images, if they are to be in it: there are no data files then. */
export function writeMaster2024(to: Hdf5Writer, series: Series, pixels?: Pixels): void {
  const { images, started, experiment } = series
  const ended = new Date(started.getTime() + images * experiment.frameTime * 1000)
  to.group('/entry', { ...nexus('NXentry'), default: 'data', version: 'v2024.02', DECTRIS_lab_geometry: 'mcstas' })
  to.value('/entry/definition', 'NXmx')
  to.value('/entry/start_time', started.toISOString())
  to.value('/entry/end_time_estimated', ended.toISOString())
  to.value('/entry/program_name', 'DECTRIS-DAQ', { version: 'susten simulation' })
  writeDataGroup(to, series)
  if (pixels === undefined) writeVirtual(to, series)
  else writeImages(to, series, { firstImage: 1, lastImage: images }, pixels)
  writeInstrument(to, series)
  writeChannel(to, series)
  writeGeometry(to, series)
  writeSample(to, series)
  to.group('/entry/source', nexus('NXsource'))
  to.value('/entry/source/name', 'simulated')
}

function writeImages(
  to: Hdf5Writer,
  series: Series,
  range: Pick<SeriesFile, 'firstImage' | 'lastImage'>,
  pixels: Pixels,
): void {
  const { width, height } = series.detector
  const shape = [range.lastImage - range.firstImage + 1, 1, height, width]
  const array = { data: pixels, shape, chunks: [1, 1, height, width], deflate: series.deflate }
  to.array(DATA, array, imageRange(series, range))
}

function writeDataGroup(to: Hdf5Writer, series: Series): void {
  const { images, firstNumber, experiment } = series
  const numbers = Array.from({ length: images }, (_, index) => index)
  to.group('/entry/data', {
    ...nexus('NXdata'),
    axes: texts('image_id', 'channel', '.', '.'),
    signal: 'data',
    image_id_indices: number('i32', 0),
    start_time_indices: number('i32', 0),
    channel_indices: number('i32', 1),
    default_slice: texts('.', 'threshold_1', '.', '.'),
  })
  to.value(
    '/entry/data/image_id',
    list(
      'u32',
      numbers.map((index) => firstNumber + index),
    ),
  )
  to.value(
    '/entry/data/start_time',
    list(
      'f64',
      numbers.map((index) => index * experiment.frameTime),
    ),
    units('s'),
  )
  to.value('/entry/data/channel', texts('threshold_1'))
}

/** Sources are named by bare file names: the files must stay beside the master, under their names. */
function writeVirtual(to: Hdf5Writer, series: Series): void {
  const { width, height, bitDepth } = series.detector
  const sources = [...filesOf(series)]
    .filter(({ kind }) => kind === 'data')
    .map(({ name, firstImage, lastImage }) => ({
      file: baseName(name),
      path: DATA,
      from: firstImage - 1,
      count: lastImage - firstImage + 1,
    }))
  to.virtual(DATA, { type: bitDepth === 16 ? 'u16' : 'u32', shape: [series.images, 1, height, width], sources })
}

function writeInstrument(to: Hdf5Writer, series: Series): void {
  to.group('/entry/instrument', nexus('NXinstrument'))
  to.value('/entry/instrument/name', 'simulated')
  to.value('/entry/instrument/time_zone', '+00:00')
  to.group('/entry/instrument/beam', nexus('NXbeam'))
  to.value('/entry/instrument/beam/incident_energy', number('f32', photonEnergy(series)), units('eV'))
  to.value('/entry/instrument/beam/incident_wavelength', number('f32', series.experiment.wavelength), units('angstrom'))
  to.group(DETECTOR, nexus('NXdetector'))
  writeDetector(to, DETECTOR, series)
  const put = (name: string, value: Hdf5Value): void => to.value(`${DETECTOR}/${name}`, value)
  put('serial_number', series.detector.serial)
  put('type', 'HPC')
  put('number_of_cycles', number('u32', 1))
  put('flatfield_applied', number('u8', 1))
  put('virtual_pixel_interpolation_applied', number('u8', 1))
  put('depends_on', `${GEOMETRY}/orientation`)
}

function writeChannel(to: Hdf5Writer, series: Series): void {
  const { width, height } = series.detector
  const mask = pixelMask(series.detector)
  const image = { shape: [height, width], chunks: [height, width], deflate: 1 }
  to.group(CHANNEL, nexus('NXdetector_channel'))
  to.value(`${CHANNEL}/threshold_energy`, number('f32', photonEnergy(series) / 2), units('eV'))
  to.array(`${CHANNEL}/pixel_mask`, { data: mask, ...image })
  to.array(`${CHANNEL}/flatfield`, { data: new Float32Array(mask.length).fill(1), ...image })
}

/** Where the detector stands, in the coordinates of McStas: z along the beam, y up. */
function writeGeometry(to: Hdf5Writer, series: Series): void {
  const { detector, experiment } = series
  const { pixelSize } = detector
  const place = [experiment.beamX * pixelSize, experiment.beamY * pixelSize, experiment.distance]
  const length = Math.hypot(...place)
  to.group(GEOMETRY, nexus('NXtransformations'))
  const direction = place.map((part) => part / length)
  to.value(`${GEOMETRY}/translation`, number('f64', length), step('translation', 'm', direction, '.'))
  // Rows run downwards and columns to the left: half a turn about the beam.
  const turn = step('rotation', 'rad', [0, 0, 1], `${GEOMETRY}/translation`)
  to.value(`${GEOMETRY}/orientation`, number('f64', Math.PI), turn)
  const module = `${DETECTOR}/module`
  to.group(module, nexus('NXdetector_module'))
  to.value(`${module}/data_origin`, list('u32', [0, 0]))
  to.value(`${module}/data_size`, list('u32', [detector.height, detector.width]))
  const offset = { offset: list('f64', [0, 0, 0]) }
  to.value(`${module}/fast_pixel_direction`, number('f64', pixelSize), {
    ...step('translation', 'm', [-1, 0, 0], '.'),
    ...offset,
  })
  to.value(`${module}/slow_pixel_direction`, number('f64', pixelSize), {
    ...step('translation', 'm', [0, -1, 0], '.'),
    ...offset,
  })
}

function writeSample(to: Hdf5Writer, series: Series): void {
  const { startAngle, increment } = series.experiment
  const starts = Array.from({ length: series.images }, (_, index) => startAngle + index * increment)
  const degree = units('degree')
  to.group('/entry/sample', nexus('NXsample'))
  to.value('/entry/sample/name', 'simulated')
  to.value('/entry/sample/depends_on', `${TRANSFORMATIONS}/omega`)
  to.group(TRANSFORMATIONS, nexus('NXtransformations'))
  to.value(`${TRANSFORMATIONS}/omega`, list('f64', starts), step('rotation', 'degree', [-1, 0, 0], '.'))
  const ends = starts.map((start) => start + increment)
  to.value(`${TRANSFORMATIONS}/omega_end`, list('f64', ends), degree)
  to.value(`${TRANSFORMATIONS}/omega_increment_set`, number('f64', increment), degree)
}

/** One transformation of a chain. */
function step(
  type: 'rotation' | 'translation',
  unit: string,
  vector: readonly number[],
  dependsOn: string,
): Hdf5Attributes {
  return { transformation_type: type, units: unit, vector: list('f64', vector), depends_on: dependsOn }
}
