/** What the detector sees: scattered background, spots that come and go as the crystal turns, a beam stop. */
import { type Detector, MASK, type Pixels, pixelMask } from './detector.js'
import { deriveSeed, openRandom, type Random } from './random.js'

/** Where and how a series is taken. */
export interface Experiment {
  /** Å. */
  readonly wavelength: number
  /** Sample to detector, in metres. */
  readonly distance: number
  /** Where the beam would hit the detector, in pixels. */
  readonly beamX: number
  readonly beamY: number
  /** Rotation angle of the first image and turn per image, in degrees. */
  readonly startAngle: number
  readonly increment: number
  /** Seconds per image. */
  readonly frameTime: number
  /** Counts per pixel where the background is brightest, up to 500. The more, the less the images can be compressed. */
  readonly brightness: number
}

/** A crystal on a detector. Rendering an image depends on the seed and the image's number alone. */
export interface Pattern {
  /** Draws image `image` (from 1) into `into`, which must have width × height pixels. */
  readonly render: (image: number, into: Pixels) => void
}

interface Spot {
  readonly x: number
  readonly y: number
  /** Radius in pixels, one standard deviation. */
  readonly radius: number
  /** Counts at the centre when the spot is at its brightest. */
  readonly peak: number
  /** Rotation angle at which it is, in degrees. */
  readonly angle: number
}

/** Poisson-distributed counts are looked up: one table of quantiles per level of brightness. */
const LEVELS = 64
const QUANTILES = 1024
/** How long a spot stays on the detector, in degrees (one standard deviation). */
const MOSAICITY = 0.12
const SPOTS_PER_IMAGE = 160
/** The ring that water in a sample scatters at, in Å. */
const WATER_RING = 3.3
/** Level of masked pixels in the brightness map. */
const GAP = 254
const DEAD = 253

/** Prepares the brightness map and the spots of one series. Takes some tens of milliseconds for a million pixels. */
export function openPattern(detector: Detector, experiment: Experiment, images: number, seed: number): Pattern {
  const levels = brightness(detector, experiment)
  const spots = scatter(detector, experiment, images, openRandom(deriveSeed(seed, 1)))
  const quantiles = poissonQuantiles(experiment.brightness)
  return {
    render(image, into) {
      const noise = openRandom(deriveSeed(seed, 2, image))
      drawBackground(levels, quantiles, detector, noise, into)
      const angle = experiment.startAngle + (image - 0.5) * experiment.increment
      for (let index = firstFrom(spots, angle - 3 * MOSAICITY); index < spots.length; index++) {
        const spot = spots[index]
        const rocking = ((spot?.angle ?? 0) - angle) / MOSAICITY
        if (spot === undefined || rocking >= 3) break
        drawSpot(spot, Math.exp(-0.5 * rocking * rocking), levels, detector, noise, into)
      }
    },
  }
}

function drawBackground(
  levels: Uint8Array,
  quantiles: Uint16Array,
  detector: Detector,
  noise: Random,
  into: Pixels,
): void {
  let word = 0
  for (let index = 0; index < into.length; index++) {
    // Three draws of ten bits out of each random word.
    word = index % 3 === 0 ? noise.uint32() : word >>> 10
    const level = levels[index] ?? 0
    if (level === GAP) into[index] = detector.gapValue
    else if (level === DEAD) into[index] = detector.deadValue
    else into[index] = quantiles[level * QUANTILES + (word & (QUANTILES - 1))] ?? 0
  }
}

function drawSpot(
  spot: Spot,
  fraction: number,
  levels: Uint8Array,
  detector: Detector,
  noise: Random,
  into: Pixels,
): void {
  const reach = Math.ceil(3 * spot.radius)
  const left = Math.max(0, Math.round(spot.x) - reach)
  const right = Math.min(detector.width - 1, Math.round(spot.x) + reach)
  const top = Math.max(0, Math.round(spot.y) - reach)
  const bottom = Math.min(detector.height - 1, Math.round(spot.y) + reach)
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const index = y * detector.width + x
      const level = levels[index] ?? GAP
      if (level >= DEAD || level === 0) continue
      const distance = ((x - spot.x) ** 2 + (y - spot.y) ** 2) / (spot.radius * spot.radius)
      const mean = spot.peak * fraction * Math.exp(-0.5 * distance)
      const counts = Math.max(0, Math.round(mean + Math.sqrt(mean) * noise.normal()))
      into[index] = Math.min(detector.countCutoff, (into[index] ?? 0) + counts)
    }
  }
}

/** Brightness level of every pixel; {@link GAP} and {@link DEAD} where there is none; 0 behind the beam stop. */
function brightness(detector: Detector, experiment: Experiment): Uint8Array {
  const { width, height, pixelSize } = detector
  const mask = pixelMask(detector)
  const levels = new Uint8Array(width * height)
  const scale = pixelSize / experiment.distance
  const stop = Math.max(6, 0.02 * width)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const index = y * width + x
      if (mask[index] !== MASK.good) {
        levels[index] = mask[index] === MASK.gap ? GAP : DEAD
        continue
      }
      const dx = x - experiment.beamX
      const dy = y - experiment.beamY
      const radius = Math.hypot(dx, dy)
      // The beam stop is a disc on an arm that comes in from the right.
      if (radius < stop || (dx > 0 && Math.abs(dy) < stop / 4)) continue
      const angle = Math.atan(radius * scale)
      const resolution = experiment.wavelength / (2 * Math.sin(angle / 2))
      const air = Math.exp(-angle / 0.12)
      const water = 0.55 * Math.exp(-0.5 * ((WATER_RING - resolution) / 0.45) ** 2)
      levels[index] = Math.max(1, Math.round((LEVELS - 1) * Math.min(1, 0.04 + 0.6 * air + water)))
    }
  }
  return levels
}

/** Index of the first spot at or behind an angle; they are in order of their angles. */
function firstFrom(spots: readonly Spot[], angle: number): number {
  let [low, high] = [0, spots.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((spots[middle]?.angle ?? 0) < angle) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Spots over the whole detector and the whole turn, in order of their angles; their brightness falls off with resolution.
 */
function scatter(detector: Detector, experiment: Experiment, images: number, random: Random): Spot[] {
  const turn = images * experiment.increment
  const count = Math.ceil((SPOTS_PER_IMAGE * (Math.abs(turn) + 6 * MOSAICITY)) / (6 * MOSAICITY))
  const reach = Math.hypot(detector.width, detector.height) / 2
  const spots: Spot[] = []
  for (let index = 0; index < count; index++) {
    const x = random.uniform() * detector.width
    const y = random.uniform() * detector.height
    const radius = Math.hypot(x - experiment.beamX, y - experiment.beamY) / reach
    spots.push({
      x,
      y,
      radius: 0.7 + 0.6 * random.uniform(),
      peak: 4000 * random.exponential() ** 2 * Math.exp(-3 * radius * radius),
      angle: experiment.startAngle - 3 * MOSAICITY + random.uniform() * (turn + 6 * MOSAICITY),
    })
  }
  return spots.sort((a, b) => a.angle - b.angle)
}

/** `LEVELS` rows of `QUANTILES` counts: row 0 is darkness, the last row has a mean of `brightest`. */
function poissonQuantiles(brightest: number): Uint16Array {
  const table = new Uint16Array(LEVELS * QUANTILES)
  for (let level = 1; level < LEVELS; level++) {
    const mean = (brightest * level) / (LEVELS - 1)
    let counts = 0
    let probability = Math.exp(-mean)
    let cumulated = probability
    for (let index = 0; index < QUANTILES; index++) {
      while (cumulated < (index + 0.5) / QUANTILES && counts < 1000) {
        counts++
        probability *= mean / counts
        cumulated += probability
      }
      table[level * QUANTILES + index] = counts
    }
  }
  return table
}
