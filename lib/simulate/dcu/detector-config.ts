/**
 * The detector's configuration: the values that clients read and set, and how they depend on each other.
 * Source: names, types and limits as DiamondLightSource/eiger-detector `eiger_simulator.py` has them of an EIGER 500K.
 */
import { type Detector, deadPixels } from '../detector.js'
import type { Experiment } from '../diffraction.js'
import { createParameters, type Parameter, type Parameters, timeText } from './parameters.js'

const EV_ANGSTROM = 12_398.42
const READOUT_TIME = 1e-7
const MOST_IMAGES = 999_999

/** The parts of a series that are set at first. */
export interface FirstConfig {
  readonly detector: Detector
  readonly experiment: Experiment
  readonly images: number
  readonly triggers: number
}

export function detectorConfig({ detector, experiment, images, triggers }: FirstConfig): Parameters {
  const energy = EV_ANGSTROM / experiment.wavelength
  const angles = ['chi', 'kappa', 'omega', 'phi', 'two_theta'].flatMap((axis): [string, Parameter][] => [
    [`${axis}_start`, float('rw', axis === 'omega' ? experiment.startAngle : 0, 'degree')],
    [`${axis}_increment`, float('rw', axis === 'omega' ? experiment.increment : 0, 'degree')],
  ])
  return createParameters({
    auto_summation: flag(true),
    beam_center_x: float('rw', experiment.beamX, 'pixel'),
    beam_center_y: float('rw', experiment.beamY, 'pixel'),
    bit_depth_image: whole('r', detector.bitDepth),
    bit_depth_readout: whole('r', 16),
    ...Object.fromEntries(angles),
    compression: word(detector.family === 'eiger' ? 'deflate' : 'byte_offset'),
    count_time: { ...float('rw', Math.max(0, experiment.frameTime - READOUT_TIME), 's'), min: 0, max: 1800 },
    countrate_correction_applied: flag(true),
    countrate_correction_count_cutoff: whole('r', detector.countCutoff),
    data_collection_date: { type: 'string', access: 'rw', value: timeText(new Date()) },
    description: word(detector.description),
    detector_distance: float('rw', experiment.distance, 'm'),
    detector_number: word(detector.serial),
    detector_readout_time: float('r', READOUT_TIME, 's'),
    efficiency_correction_applied: flag(false),
    flatfield_correction_applied: flag(true),
    frame_time: { ...float('rw', experiment.frameTime, 's'), min: 0, max: 3600 },
    nimages: { ...whole('rw', images), min: 1, max: MOST_IMAGES },
    ntrigger: { ...whole('rw', triggers), min: 1, max: MOST_IMAGES },
    number_of_excluded_pixels: whole('r', deadPixels(detector).size),
    photon_energy: { ...float('rw', energy, 'eV'), min: 3000, max: 100_000 },
    pixel_mask_applied: flag(true),
    roi_mode: { type: 'string', access: 'rw', allowed: ['disabled'], value: 'disabled' },
    sensor_material: word('Si'),
    sensor_thickness: float('r', detector.sensorThickness, 'm'),
    software_version: word('susten simulation'),
    threshold_energy: { ...float('rw', energy / 2, 'eV'), min: 1500, max: 80_000 },
    trigger_mode: { type: 'string', access: 'rw', allowed: ['exte', 'exts', 'inte', 'ints'], value: 'ints' },
    virtual_pixel_correction_applied: flag(true),
    wavelength: { ...float('rw', experiment.wavelength, 'angstrom'), min: 0.12398, max: 4.1328 },
    x_pixel_size: float('r', detector.pixelSize, 'm'),
    x_pixels_in_detector: whole('r', detector.width),
    y_pixel_size: float('r', detector.pixelSize, 'm'),
    y_pixels_in_detector: whole('r', detector.height),
  })
}

/** Sets what depends on a value that was set. Returns the names of all that changed, itself first. */
export function setDependent(config: Parameters, name: string): string[] {
  const changed = [name]
  const set = (other: string, value: number): void => {
    config.set(other, value)
    changed.push(other)
  }
  if (name === 'photon_energy') set('wavelength', EV_ANGSTROM / config.number('photon_energy'))
  if (name === 'wavelength') set('photon_energy', EV_ANGSTROM / config.number('wavelength'))
  if (name === 'photon_energy' || name === 'wavelength') set('threshold_energy', config.number('photon_energy') / 2)
  const shortest = config.number('count_time') + config.number('detector_readout_time')
  if (name === 'count_time' && config.number('frame_time') < shortest) set('frame_time', shortest)
  if (name === 'frame_time' && config.number('frame_time') < shortest) {
    set('count_time', Math.max(0, config.number('frame_time') - config.number('detector_readout_time')))
  }
  return changed
}

const word = (value: string): Parameter => ({ type: 'string', access: 'r', value })
const flag = (value: boolean): Parameter => ({ type: 'bool', access: 'rw', value })
const whole = (access: 'r' | 'rw', value: number): Parameter => ({ type: 'uint', access, value })
const float = (access: 'r' | 'rw', value: number, unit: string): Parameter => ({ type: 'float', access, unit, value })
