/** Makes the files of a series, one by one, in memory. Runs on its caller's thread: use a worker. */
import { encodeCbf } from './cbf.js'
import { allocatePixels } from './detector.js'
import { openPattern } from './diffraction.js'
import { writeData, writeMaster } from './eiger.js'
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
  const space = allocatePixels(detector, detector.family === 'pilatus' ? 1 : Math.min(images, series.imagesPerFile))
  return (file) => {
    if (file.kind === 'master') return hdf5((to) => writeMaster(to, series))
    const stack = space.subarray(0, (file.lastImage - file.firstImage + 1) * pixels)
    for (let image = file.firstImage; image <= file.lastImage; image++) {
      const at = (image - file.firstImage) * pixels
      pattern.render(image, stack.subarray(at, at + pixels))
    }
    if (stack instanceof Int32Array) return encodeCbf(series, file.firstImage, file.name, stack)
    return hdf5((to) => writeData(to, series, file, stack))
  }
}
