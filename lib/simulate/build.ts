/** Makes the files of a series, one by one, in memory. Runs on its caller's thread: use a worker. */
import { encodeCbf } from './cbf.js'
import { allocatePixels, type Pixels } from './detector.js'
import { openPattern, type Pattern } from './diffraction.js'
import { writeData, writeMaster } from './eiger.js'
import { writeData2024, writeMaster2024 } from './eiger-2024.js'
import type { Hdf5Builder } from './hdf5.js'
import type { Series, SeriesFile } from './series.js'

/** Makes one file of its series. The images of a file depend on the series' seed and their numbers alone. */
export type FileBuilder = (file: SeriesFile) => Uint8Array

/** Prepares a series. `hdf5` is used for EIGER series only. */
export function openSeries(series: Series, hdf5: Hdf5Builder): FileBuilder {
  const { detector, experiment, images, seed } = series
  const pattern = openPattern(detector, experiment, images, seed)
  const pixels = detector.width * detector.height
  // Made once and drawn over: every pixel of an image is drawn.
  const mostImages = detector.family === 'pilatus' ? 1 : Math.min(images, series.imagesPerFile || images)
  const space = allocatePixels(detector, mostImages)
  const draw = drawer(pattern, series)
  const master = series.format === 'legacy' ? writeMaster : writeMaster2024
  const data = series.format === 'legacy' ? writeData : writeData2024
  return (file) => {
    if (file.kind === 'master' && series.imagesPerFile > 0) return hdf5((to) => master(to, series))
    const stack = space.subarray(0, (file.lastImage - file.firstImage + 1) * pixels)
    for (let image = file.firstImage; image <= file.lastImage; image++) {
      const at = (image - file.firstImage) * pixels
      draw(image, stack.subarray(at, at + pixels))
    }
    if (stack instanceof Int32Array) return encodeCbf(series, file.firstImage, file.name, stack)
    return hdf5((to) => (file.kind === 'master' ? master(to, series, stack) : data(to, series, file, stack)))
  }
}

/** Draws an image; where images repeat, those that were drawn are kept. */
function drawer({ render }: Pattern, { images, variety }: Series): Pattern['render'] {
  if (variety >= images) return render
  const drawn = new Map<number, Pixels>()
  return (image, into) => {
    const number = ((image - 1) % variety) + 1
    const known = drawn.get(number)
    if (known !== undefined) {
      into.set(known)
      return
    }
    render(number, into)
    drawn.set(number, into.slice())
  }
}
