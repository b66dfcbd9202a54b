/** Opens copies as a data-processing program would: HDF5 with libhdf5, CBF by decoding it. */
import type { Buffer } from 'node:buffer'
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Dataset, File, ready } from 'h5wasm/node'
import { decodeCbf } from '../simulate/index.js'
import type { ExpectedContent, ExpectedImages } from './verify.js'

/** What was opened and found right. */
export interface ContentCount {
  readonly masters: number
  readonly links: number
  readonly images: number
}

/**
 * Decodes a CBF file and checks its size and MD5.
 * @throws Error that says what is wrong.
 */
export function checkCbf(bytes: Buffer, expected: ExpectedContent & { kind: 'cbf' }): ContentCount {
  const { width, height } = decodeCbf(bytes)
  if (width !== expected.width || height !== expected.height) {
    throw new Error(`CBF: ${width} x ${height} pixels instead of ${expected.width} x ${expected.height}`)
  }
  return { masters: 0, links: 0, images: 1 }
}

/**
 * Loads libhdf5, with access to the real file system, into this thread. The check it returns throws an Error that says
 * what is wrong.
 */
export async function openHdf5Check(): Promise<
  (path: string, expected: Exclude<ExpectedContent, { kind: 'cbf' }>) => ContentCount
> {
  const module = await ready
  // Failures of libhdf5 become exceptions; else it prints them and goes on.
  module.activate_throwing_error_handler()
  return (path, expected) => {
    const file = new File(path, 'r')
    try {
      if (expected.kind === 'data') {
        checkImages(new Dataset(file.file_id, '/entry/data/data'), '/entry/data/data', expected)
        return { masters: 0, links: 0, images: 0 }
      }
      return checkMaster(file, path, expected)
    } finally {
      file.close()
    }
  }
}

/** Every link, and no other, leads to a file beside the master that holds the images it should. */
function checkMaster(file: File, path: string, { links }: ExpectedContent & { kind: 'master' }): ContentCount {
  const group = file.get('/entry/data')
  if (group === null || !('keys' in group)) throw new Error('HDF5: no group /entry/data')
  const names = group.keys().join(' ')
  const expected = links.map(({ name }) => name).join(' ')
  if (names !== expected) throw new Error(`HDF5: /entry/data holds ${names} instead of ${expected}`)
  for (const link of links) {
    const place = `/entry/data/${link.name}`
    const { filename, obj_path } = file.get_external_link(place)
    if (filename !== link.file || obj_path !== '/entry/data/data') {
      throw new Error(`HDF5: ${place} leads to ${filename}:${obj_path} instead of ${link.file}:/entry/data/data`)
    }
    const target = statSync(join(dirname(path), filename), { throwIfNoEntry: false })
    if (target?.isFile() !== true) throw new Error(`HDF5: ${place} leads to ${filename}, which is not there`)
    // Opened by the link's own path: libhdf5 has to find the other file.
    checkImages(new Dataset(file.file_id, place), place, link)
  }
  const images = file.get('/entry/instrument/detector/detectorSpecific/nimages')
  const last = links.at(-1)?.lastImage ?? 0
  if (!(images instanceof Dataset) || Number(images.value) !== last) throw new Error(`HDF5: nimages is not ${last}`)
  return { masters: 1, links: links.length, images: 0 }
}

function checkImages(dataset: Dataset, place: string, expected: ExpectedImages): void {
  const { firstImage, lastImage, width, height, bitDepth } = expected
  const shape = [lastImage - firstImage + 1, height, width].join(' x ')
  const found = dataset.shape?.join(' x ')
  if (found !== shape) throw new Error(`HDF5: ${place} is ${found} instead of ${shape}`)
  if (dataset.metadata.size * 8 !== bitDepth) throw new Error(`HDF5: ${place} has not ${bitDepth} bits per pixel`)
  const low = dataset.attrs['image_nr_low']?.value
  const high = dataset.attrs['image_nr_high']?.value
  if (low !== firstImage || high !== lastImage) {
    throw new Error(`HDF5: ${place} holds images ${low} to ${high} instead of ${firstImage} to ${lastImage}`)
  }
  const last = lastImage - firstImage
  const pixels = dataset.slice([[last, last + 1], [], []])
  if (!ArrayBuffer.isView(pixels) || pixels.byteLength !== (width * height * bitDepth) / 8) {
    throw new Error(`HDF5: the last image of ${place} can't be read`)
  }
}
