/** The two detector families that are simulated, with the sizes and conventions of real ones. */
import { deriveSeed, openRandom } from './random.js'

/** The pixels of one image, row by row. */
export type Pixels = Uint16Array | Uint32Array | Int32Array

/** A detector: its geometry and how its files mark pixels without a value. Plain data. */
export interface Detector {
  /** `eiger` writes HDF5 series, `pilatus` one CBF file per image. */
  readonly family: 'eiger' | 'pilatus'
  /** As its files call it. */
  readonly description: string
  readonly serial: string
  /** Pixels. */
  readonly width: number
  readonly height: number
  /** Bits per pixel in the files: 16 or 32 unsigned (EIGER), 32 signed (PILATUS). */
  readonly bitDepth: 16 | 32
  /** Edge of a pixel in metres. */
  readonly pixelSize: number
  /** Thickness of the silicon sensor in metres. */
  readonly sensorThickness: number
  /** A sensor module and the insensitive gap to the next one, in pixels. */
  readonly module: { readonly width: number; readonly height: number; readonly gapX: number; readonly gapY: number }
  /** Value of a pixel in a gap, and of a pixel that doesn't count. */
  readonly gapValue: number
  readonly deadValue: number
  /** Counts above which a pixel is saturated. */
  readonly countCutoff: number
}

/** Size of a simulated detector. */
export interface DetectorSize {
  readonly width?: number
  readonly height?: number
}

/**
 * An EIGER2 of any size: 75 µm pixels, 450 µm silicon, modules of 1028 × 512. Default: one module, the EIGER2 500K,
 * with 16-bit images (1.05 MB each). Masked pixels hold the type's largest value.
 */
export function eiger(options: DetectorSize & { readonly bitDepth?: 16 | 32 } = {}): Detector {
  const { width = 1028, height = 512, bitDepth = 16 } = options
  const masked = bitDepth === 16 ? 0xffff : 0xffff_ffff
  return {
    family: 'eiger',
    description: `Dectris EIGER2 Si ${sizeName(width, height)}`,
    serial: 'E-01-0000',
    width,
    height,
    bitDepth,
    pixelSize: 75e-6,
    sensorThickness: 450e-6,
    module: { width: 1028, height: 512, gapX: 12, gapY: 38 },
    gapValue: masked,
    deadValue: masked,
    countCutoff: bitDepth === 16 ? 65_000 : 133_343,
  }
}

/**
 * A PILATUS3 of any size: 172 µm pixels, 320 µm silicon, modules of 487 × 195. Default: three modules, the PILATUS3
 * 300K (about 0.3 MB a compressed image). Gaps hold -1, dead pixels -2.
 */
export function pilatus(options: DetectorSize = {}): Detector {
  const { width = 487, height = 619 } = options
  return {
    family: 'pilatus',
    description: `PILATUS3 ${sizeName(width, height)}`,
    serial: '60-0000',
    width,
    height,
    bitDepth: 32,
    pixelSize: 172e-6,
    sensorThickness: 320e-6,
    module: { width: 487, height: 195, gapX: 7, gapY: 17 },
    gapValue: -1,
    deadValue: -2,
    countCutoff: 1_009_869,
  }
}

/** What a pixel of {@link pixelMask} means, as in an EIGER's pixel mask. */
export const MASK = { good: 0, gap: 1, dead: 2 } as const

/** Which pixels have no value: gaps between modules, and {@link deadPixels}. Row by row. */
export function pixelMask(detector: Detector): Uint32Array {
  const mask = new Uint32Array(detector.width * detector.height)
  for (let index = 0; index < mask.length; index++) if (isGap(detector, index)) mask[index] = MASK.gap
  for (const index of deadPixels(detector)) mask[index] = MASK.dead
  return mask
}

/** The pixels that don't count, about one in twenty thousand: always the same ones for a detector. */
export function deadPixels(detector: Detector): ReadonlySet<number> {
  const { width, height, serial } = detector
  const random = openRandom(deriveSeed(width, height, ...serial.split('').map((letter) => letter.charCodeAt(0))))
  const dead = new Set<number>()
  for (let count = Math.floor((width * height) / 20_000); count > 0; count--) {
    const index = random.uint32() % (width * height)
    if (!isGap(detector, index)) dead.add(index)
  }
  return dead
}

function isGap({ width, module }: Detector, index: number): boolean {
  const column = (index % width) % (module.width + module.gapX)
  const row = Math.floor(index / width) % (module.height + module.gapY)
  return column >= module.width || row >= module.height
}

/** Makes an empty stack of `images` images. */
export function allocatePixels({ family, bitDepth, width, height }: Detector, images: number): Pixels {
  const pixels = images * width * height
  if (family === 'pilatus') return new Int32Array(pixels)
  return bitDepth === 16 ? new Uint16Array(pixels) : new Uint32Array(pixels)
}

/** `500K`, `1M`, …: the vendor names detectors by their pixels. */
function sizeName(width: number, height: number): string {
  const pixels = width * height
  return pixels >= 950_000 ? `${Math.round(pixels / 1e6)}M` : `${Math.max(1, Math.round(pixels / 1e5))}00K`
}
