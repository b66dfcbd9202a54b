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
  return (file) => {
    if (file.kind === 'master') return hdf5((to) => writeMaster(to, series))
    if (file.kind === 'cbf') {
      const image = new Int32Array(pixels)
      pattern.render(file.firstImage, image)
      return encodeCbf(series, file.firstImage, file.name, image)
    }
    const stack = allocatePixels(detector, file.lastImage - file.firstImage + 1)
    for (let image = file.firstImage; image <= file.lastImage; image++) {
      const at = (image - file.firstImage) * pixels
      pattern.render(image, stack.subarray(at, at + pixels))
    }
    return hdf5((to) => writeData(to, series, file, stack))
  }
}
