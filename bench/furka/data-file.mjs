/** A data file as EIGER's file writer leaves it: HDF5, which says of itself where it ends. */
import { loadHdf5 } from '#lib/simulate/hdf5.js'

const bytesPerPixel = 4

/** @param {number} size Of the file, in bytes. */
export async function dataFile(size) {
  const build = await loadHdf5()
  const make = (/** @type {number} */ pixels) => {
    const data = new Uint32Array(pixels).map((_, index) => Math.imul(index + 1, 0x9e3779b1))
    const shape = [1, 1, pixels]
    return { data, bytes: build((file) => file.array('/entry/data/data', { data, shape, chunks: shape })) }
  }
  // What there is besides the pixels doesn't depend on how many they are.
  const trial = Math.floor(size / 2 / bytesPerPixel)
  const besides = make(trial).bytes.length - trial * bytesPerPixel
  const { data, bytes } = make((size - besides) / bytesPerPixel)
  if (bytes.length !== size)
    throw new RangeError(`a data file of ${size} B can't be made, but one of ${bytes.length} B`)
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, size)
  const at = content.indexOf(Buffer.from(data.buffer, 0, 64))
  return {
    bytes: content,
    /** Makes it another one. @param {number} number */
    number(number) {
      content.writeUInt32LE(number, at)
    },
  }
}
