/** Shorthands for the values and attributes of NeXus files. */
import type { Hdf5Attributes, Hdf5Type, Hdf5Value, Hdf5Writer } from './hdf5.js'
import type { Series } from './series.js'

export const number = (type: Hdf5Type, value: number): Hdf5Value => ({ type, value })
export const list = (type: Hdf5Type, values: readonly number[]): Hdf5Value => ({ type, values })
export const texts = (...values: string[]): Hdf5Value => ({ texts: values })
export const units = (name: string): Hdf5Attributes => ({ units: name })
export const nexus = (name: string): Hdf5Attributes => ({ NX_class: name })

/** Numbers of a file's first and last image, as the detector's data files have them. */
export function imageRange(
  series: Series,
  { firstImage, lastImage }: { readonly firstImage: number; readonly lastImage: number },
): Hdf5Attributes {
  return {
    image_nr_low: number('i32', firstImage - 1 + series.firstNumber),
    image_nr_high: number('i32', lastImage - 1 + series.firstNumber),
  }
}

/** eV. */
export function photonEnergy(series: Series): number {
  return 12_398.42 / series.experiment.wavelength
}

/** Seconds in which a detector is blind, between two images. */
const READOUT_TIME = 1e-7

/** What both formats tell of the detector. `group` is its NXdetector. */
export function writeDetector(to: Hdf5Writer, group: string, series: Series): void {
  const { detector, experiment } = series
  const put = (name: string, value: Hdf5Value, unit?: string): void =>
    to.value(`${group}/${name}`, value, unit === undefined ? {} : units(unit))
  put('description', detector.description)
  put('sensor_material', 'Si')
  put('sensor_thickness', number('f32', detector.sensorThickness), 'm')
  put('x_pixel_size', number('f32', detector.pixelSize), 'm')
  put('y_pixel_size', number('f32', detector.pixelSize), 'm')
  put('beam_center_x', number('f32', experiment.beamX), 'pixel')
  put('beam_center_y', number('f32', experiment.beamY), 'pixel')
  put('distance', number('f32', experiment.distance), 'm')
  put('bit_depth_readout', number('u32', 16))
  put('saturation_value', number('u32', detector.countCutoff))
  put('count_time', number('f32', Math.max(0, experiment.frameTime - READOUT_TIME)), 's')
  put('frame_time', number('f32', experiment.frameTime), 's')
  put('detector_readout_time', number('f32', READOUT_TIME), 's')
  put('countrate_correction_applied', number('u8', 1))
  put('pixel_mask_applied', number('u8', 1))
}
