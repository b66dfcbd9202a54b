/**
 * The HDF5 files of an EIGER2, in the file writer's legacy NeXus format: a master that holds the conditions and links
 * to data files, which hold the images.
 * Source: SIMPLON API 1.8, file writer; paths as the readers XDS (neggia), DIALS (dxtbx) and generate_XDS.INP use them.
 */
import { MASK, type Pixels, pixelMask } from './detector.js'
import type { Hdf5Attributes, Hdf5Value, Hdf5Writer } from './hdf5.js'
import { imageRange, list, nexus, number, photonEnergy, units, writeDetector } from './nexus.js'
import { baseName, digits, filesOf, type Series, type SeriesFile } from './series.js'

const ENTRY = '/entry'
const DETECTOR = '/entry/instrument/detector'
const SPECIFIC = `${DETECTOR}/detectorSpecific`
const GONIOMETER = '/entry/sample/goniometer'
const TRANSFORMATIONS = '/entry/sample/transformations'

/** Writes a data file: images `file.firstImage` … `file.lastImage`, one chunk each. `pixels` holds all of them. */
export function writeData(to: Hdf5Writer, series: Series, file: SeriesFile, pixels: Pixels): void {
  to.group(ENTRY, nexus('NXentry'))
  writeImages(to, series, file, pixels)
}

/** Writes the master file. `pixels` holds all images, if they are to be in it: there are no data files then. */
export function writeMaster(to: Hdf5Writer, series: Series, pixels?: Pixels): void {
  to.group(ENTRY, { ...nexus('NXentry'), version: '1.4' })
  to.value('/entry/definition', 'NXmx')
  if (pixels === undefined) writeLinks(to, series)
  else writeImages(to, series, { firstImage: 1, lastImage: series.images }, pixels)
  writeInstrument(to, series)
  writeSpecific(to, series)
  writeGeometry(to, series)
  writeSample(to, series)
}

function writeImages(
  to: Hdf5Writer,
  series: Series,
  range: Pick<SeriesFile, 'firstImage' | 'lastImage'>,
  pixels: Pixels,
): void {
  const { width, height } = series.detector
  to.group('/entry/data', nexus('NXdata'))
  const shape = [range.lastImage - range.firstImage + 1, height, width]
  const array = { data: pixels, shape, chunks: [1, height, width], deflate: series.deflate }
  to.array('/entry/data/data', array, imageRange(series, range))
}

/** Links hold bare file names: the files must stay beside the master, under their names. */
function writeLinks(to: Hdf5Writer, series: Series): void {
  to.group('/entry/data', nexus('NXdata'))
  let index = 0
  for (const file of filesOf(series)) {
    if (file.kind !== 'data') continue
    index++
    to.externalLink(`/entry/data/data_${digits(index, 6)}`, baseName(file.name), '/entry/data/data')
  }
}

function writeInstrument(to: Hdf5Writer, series: Series): void {
  const { detector, experiment } = series
  to.group('/entry/instrument', nexus('NXinstrument'))
  to.group('/entry/instrument/beam', nexus('NXbeam'))
  to.value('/entry/instrument/beam/incident_wavelength', number('f32', experiment.wavelength), units('angstrom'))
  to.group(DETECTOR, nexus('NXdetector'))
  writeDetector(to, DETECTOR, series)
  const put = (name: string, value: Hdf5Value, unit?: string): void =>
    to.value(`${DETECTOR}/${name}`, value, unit === undefined ? {} : units(unit))
  put('detector_number', detector.serial)
  put('type', 'PIXEL')
  put('detector_distance', number('f32', experiment.distance), 'm')
  put('bit_depth_image', number('u32', detector.bitDepth))
  put('photon_energy', number('f32', photonEnergy(series)), 'eV')
  put('threshold_energy', number('f32', photonEnergy(series) / 2), 'eV')
  put('flatfield_correction_applied', number('u8', 1))
  put('virtual_pixel_correction_applied', number('u8', 1))
  put('efficiency_correction_applied', number('u8', 0))
}

function writeSpecific(to: Hdf5Writer, series: Series): void {
  const { detector, experiment } = series
  const { width, height } = detector
  const mask = pixelMask(detector)
  to.group(SPECIFIC, nexus('NXcollection'))
  const put = (name: string, value: Hdf5Value, unit?: string): void =>
    to.value(`${SPECIFIC}/${name}`, value, unit === undefined ? {} : units(unit))
  put('nimages', number('u64', Math.ceil(series.images / series.triggers)))
  put('ntrigger', number('u64', series.triggers))
  put('nframes_sum', number('u32', 1))
  put('x_pixels_in_detector', number('u32', width))
  put('y_pixels_in_detector', number('u32', height))
  put('saturation_value', number('u32', detector.countCutoff))
  put('countrate_correction_count_cutoff', number('u32', detector.countCutoff))
  put('data_collection_date', series.started.toISOString().replace('Z', '000'))
  put('photon_energy', number('f32', photonEnergy(series)), 'eV')
  put('frame_count_time', number('f32', experiment.frameTime - 1e-7), 's')
  put('frame_period', number('f32', experiment.frameTime), 's')
  put('trigger_mode', 'ints')
  put('compression', series.deflate > 0 ? 'deflate' : 'none')
  put('auto_summation', number('u8', 1))
  put('calibration_type', 'standard')
  put('number_of_excluded_pixels', number('u32', mask.filter((pixel) => pixel === MASK.dead).length))
  put('software_version', 'susten simulation')
  put('eiger_fw_version', 'release-2020.2.5')
  const image = { shape: [height, width], chunks: [height, width], deflate: 1 }
  to.array(`${SPECIFIC}/pixel_mask`, { data: mask, ...image })
  to.array(`${SPECIFIC}/flatfield`, { data: new Float32Array(mask.length).fill(1), ...image })
}

/** Where the detector stands: NeXus transformations, and the older geometry groups that XDS and DIALS read. */
function writeGeometry(to: Hdf5Writer, series: Series): void {
  const { detector, experiment } = series
  const { pixelSize } = detector
  const axis = (vector: readonly number[], dependsOn: string): Hdf5Attributes => ({
    transformation_type: 'translation',
    vector: list('f64', vector),
    offset: list('f64', [0, 0, 0]),
    units: 'm',
    depends_on: dependsOn,
  })
  const translation = `${DETECTOR}/transformations/translation`
  to.value(`${DETECTOR}/depends_on`, translation)
  to.group(`${DETECTOR}/transformations`, nexus('NXtransformations'))
  to.value(translation, number('f32', experiment.distance), axis([0, 0, 1], '.'))
  to.group(`${DETECTOR}/module`, nexus('NXdetector_module'))
  to.value(`${DETECTOR}/module/data_origin`, list('u32', [0, 0]))
  to.value(`${DETECTOR}/module/data_size`, list('u32', [detector.height, detector.width]))
  const offset = axis([-experiment.beamX * pixelSize, -experiment.beamY * pixelSize, 0], translation)
  to.value(`${DETECTOR}/module/module_offset`, number('f32', 1), offset)
  const moduleOffset = `${DETECTOR}/module/module_offset`
  to.value(`${DETECTOR}/module/fast_pixel_direction`, number('f32', pixelSize), axis([-1, 0, 0], moduleOffset))
  to.value(`${DETECTOR}/module/slow_pixel_direction`, number('f32', pixelSize), axis([0, -1, 0], moduleOffset))
  to.group(`${DETECTOR}/geometry`, nexus('NXgeometry'))
  to.group(`${DETECTOR}/geometry/orientation`, nexus('NXorientation'))
  to.value(`${DETECTOR}/geometry/orientation/value`, list('f32', [-1, 0, 0, 0, -1, 0]))
  to.group(`${DETECTOR}/geometry/translation`, nexus('NXtranslation'))
  to.value(
    `${DETECTOR}/geometry/translation/distances`,
    list('f32', [experiment.beamX * pixelSize, experiment.beamY * pixelSize, -experiment.distance]),
    units('m'),
  )
}

function writeSample(to: Hdf5Writer, series: Series): void {
  const { experiment, images } = series
  const { startAngle, increment, wavelength } = experiment
  const starts = Array.from({ length: images }, (_, index) => startAngle + index * increment)
  const degrees = units('degree')
  to.group('/entry/sample', nexus('NXsample'))
  to.value('/entry/sample/depends_on', `${TRANSFORMATIONS}/omega`)
  to.group('/entry/sample/beam', nexus('NXbeam'))
  to.value('/entry/sample/beam/incident_wavelength', number('f32', wavelength), units('angstrom'))
  to.group(GONIOMETER, nexus('NXtransformations'))
  const ends = starts.map((start) => start + increment)
  to.value(`${GONIOMETER}/omega`, list('f32', starts), degrees)
  to.value(`${GONIOMETER}/omega_end`, list('f32', ends), degrees)
  to.value(`${GONIOMETER}/omega_start`, number('f32', startAngle), degrees)
  to.value(`${GONIOMETER}/omega_increment`, number('f32', increment), degrees)
  to.value(`${GONIOMETER}/omega_range_average`, number('f32', increment), degrees)
  to.value(`${GONIOMETER}/omega_range_total`, number('f32', increment * images), degrees)
  for (const axis of ['chi', 'kappa', 'phi']) {
    to.value(`${GONIOMETER}/${axis}_start`, number('f32', 0), degrees)
    to.value(`${GONIOMETER}/${axis}_increment`, number('f32', 0), degrees)
    to.value(`${GONIOMETER}/${axis}_range_average`, number('f32', 0), degrees)
  }
  to.group(TRANSFORMATIONS, nexus('NXtransformations'))
  to.value(`${TRANSFORMATIONS}/omega`, list('f32', starts), {
    units: 'degree',
    transformation_type: 'rotation',
    vector: list('f64', [-1, 0, 0]),
    offset: list('f64', [0, 0, 0]),
    depends_on: '.',
  })
}
