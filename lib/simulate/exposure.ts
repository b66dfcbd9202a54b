/** How bright images must be so that they can be compressed as much, or as little, as is wanted. */
import { deflateSync } from 'node:zlib'
import { allocatePixels, type Detector } from './detector.js'
import { type Experiment, openPattern } from './diffraction.js'

/** Images are tried out on a detector of this size at most. */
const LARGEST = 512
const DARKEST = 0.001
const BRIGHTEST = 500
const STEPS = 9

/**
 * The brightness at which deflate makes the images `ratio` times smaller, or the nearest there is: about 2…30 with 16
 * bits a pixel, twice that with 32. Takes some tenths of a second.
 */
export function brightnessFor(detector: Detector, experiment: Experiment, ratio: number): number {
  const scale = Math.max(1, Math.max(detector.width, detector.height) / LARGEST)
  const small: Detector = {
    ...detector,
    width: Math.max(1, Math.round(detector.width / scale)),
    height: Math.max(1, Math.round(detector.height / scale)),
    pixelSize: detector.pixelSize * scale,
  }
  const beam = { beamX: experiment.beamX / scale, beamY: experiment.beamY / scale }
  const pixels = allocatePixels(small, 1)
  let [low, high] = [Math.log(DARKEST), Math.log(BRIGHTEST)]
  for (let step = 0; step < STEPS; step++) {
    const middle = (low + high) / 2
    openPattern(small, { ...experiment, ...beam, brightness: Math.exp(middle) }, 1, 1).render(1, pixels)
    const bytes = new Uint8Array(pixels.buffer)
    const isTooSmall = bytes.length / deflateSync(bytes, { level: 1 }).length > ratio
    if (isTooSmall) low = middle
    else high = middle
  }
  return Math.exp((low + high) / 2)
}
