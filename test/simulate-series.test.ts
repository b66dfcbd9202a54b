import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Dataset, type Entity, File, Group, ready } from 'h5wasm/node'
import { openSeries } from '#lib/simulate/build.js'
import { decodeCbf } from '#lib/simulate/cbf.js'
import { loadHdf5 } from '#lib/simulate/hdf5.js'
import { type Detector, describeSeries, eiger, filesOf, pilatus, type Series } from '#lib/simulate/index.js'

const folder = mkdtempSync(join(tmpdir(), 'susten-test-series-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Small enough to be quick, large enough for a gap between modules: two modules, one above the other. */
const size = { width: 60, height: 560 }

async function write(detector: Detector, name: string, seed = 1): Promise<Series> {
  const series = describeSeries({ detector, name, images: 5, imagesPerFile: 2, seed, started: new Date(1.8e12) })
  const build = openSeries(series, await loadHdf5())
  for (const file of filesOf(series)) writeFileSync(join(folder, file.name), build(file))
  return series
}

function contentOf(entity: Entity | null): unknown {
  assert.ok(entity instanceof Dataset)
  const { value } = entity
  return typeof value === 'bigint' ? Number(value) : value
}

describe('an EIGER series', () => {
  let master: File
  before(async () => {
    await ready
    await write(eiger(size), 'lyso_1')
    master = new File(join(folder, 'lyso_1_master.h5'), 'r')
  })
  after(() => master.close())

  it('consists of a master, first, and data files numbered from 1', () => {
    const series = describeSeries({ detector: eiger(size), name: 'a/lyso_7', images: 5, imagesPerFile: 2 })
    assert.deepEqual(
      [...filesOf(series)],
      [
        { name: 'a/lyso_7_master.h5', kind: 'master', firstImage: 1, lastImage: 5 },
        { name: 'a/lyso_7_data_000001.h5', kind: 'data', firstImage: 1, lastImage: 2 },
        { name: 'a/lyso_7_data_000002.h5', kind: 'data', firstImage: 3, lastImage: 4 },
        { name: 'a/lyso_7_data_000003.h5', kind: 'data', firstImage: 5, lastImage: 5 },
      ],
    )
  })

  it('has one external link per data file, by bare name, to /entry/data/data', () => {
    const group = master.get('/entry/data')
    assert.ok(group instanceof Group)
    assert.deepEqual(group.keys(), ['data_000001', 'data_000002', 'data_000003'])
    assert.deepEqual(master.get_external_link('/entry/data/data_000003'), {
      filename: 'lyso_1_data_000003.h5',
      obj_path: '/entry/data/data',
    })
  })

  it('reaches every image through the links: shape, one chunk per image, image numbers', () => {
    const seen = ['data_000001', 'data_000002', 'data_000003'].map((name) => {
      const data = new Dataset(master.file_id, `/entry/data/${name}`)
      assert.deepEqual(data.metadata.chunks, [1, 560, 60])
      return [data.shape, data.dtype, data.attrs['image_nr_low']?.value, data.attrs['image_nr_high']?.value]
    })
    assert.deepEqual(seen, [
      [[2, 560, 60], '<H', 1, 2],
      [[2, 560, 60], '<H', 3, 4],
      [[1, 560, 60], '<H', 5, 5],
    ])
  })

  it('tells what data processing needs to know', () => {
    const detector = '/entry/instrument/detector'
    const specific = `${detector}/detectorSpecific`
    assert.equal(contentOf(master.get(`${detector}/description`)), 'Dectris EIGER2 Si 100K')
    assert.equal(contentOf(master.get(`${specific}/x_pixels_in_detector`)), 60)
    assert.equal(contentOf(master.get(`${specific}/y_pixels_in_detector`)), 560)
    assert.equal(contentOf(master.get(`${specific}/nimages`)), 5)
    assert.equal(contentOf(master.get(`${specific}/ntrigger`)), 1)
    assert.equal(contentOf(master.get(`${specific}/saturation_value`)), 65_000)
    assert.equal(contentOf(master.get(`${detector}/x_pixel_size`)), Math.fround(75e-6))
    assert.equal(contentOf(master.get(`${detector}/sensor_thickness`)), Math.fround(450e-6))
    assert.equal(contentOf(master.get(`${detector}/detector_distance`)), Math.fround(0.12))
    assert.equal(contentOf(master.get('/entry/instrument/beam/incident_wavelength')), Math.fround(0.9793))
    assert.equal(contentOf(master.get('/entry/sample/goniometer/omega_range_average')), Math.fround(0.1))
    const starts = contentOf(master.get('/entry/sample/goniometer/omega'))
    assert.deepEqual(starts, Float32Array.from([0, 0.1, 0.2, 0.1 * 3, 0.4]))
    const orientation = contentOf(master.get(`${detector}/geometry/orientation/value`))
    assert.deepEqual(orientation, Float32Array.from([-1, 0, 0, 0, -1, 0]))
    const omega = master.get('/entry/sample/transformations/omega')
    assert.ok(omega instanceof Dataset)
    assert.deepEqual(omega.attrs['vector']?.value, Float64Array.from([-1, 0, 0]))
    const entry = master.get('/entry')
    assert.ok(entry instanceof Group)
    assert.equal(entry.attrs['NX_class']?.value, 'NXentry')
  })

  it('marks the gap between modules in the images and in the pixel mask, and nothing else', () => {
    const image = new Dataset(master.file_id, '/entry/data/data_000001').slice([[0, 1], [], []])
    const mask = contentOf(master.get('/entry/instrument/detector/detectorSpecific/pixel_mask'))
    assert.ok(image instanceof Uint16Array && mask instanceof Uint32Array)
    for (let index = 0; index < image.length; index++) {
      const row = Math.floor(index / 60)
      const gap = row >= 512 && row < 550
      if (gap) assert.deepEqual([mask[index], image[index]], [1, 0xffff], `pixel ${index}`)
      else assert.ok(mask[index] === 2 ? image[index] === 0xffff : mask[index] === 0 && (image[index] ?? 0) <= 65_000)
    }
  })

  it('can have 32-bit images', async () => {
    await write(eiger({ ...size, bitDepth: 32 }), 'deep_1')
    const file = new File(join(folder, 'deep_1_data_000001.h5'), 'r')
    const data = new Dataset(file.file_id, '/entry/data/data')
    assert.equal(data.dtype, '<I')
    const value = data.slice([
      [0, 1],
      [512, 513],
      [0, 1],
    ])
    assert.deepEqual(value, Uint32Array.from([0xffff_ffff]))
    file.close()
  })
})

describe('the images', () => {
  const pixelsOf = async (seed: number, image: number): Promise<Int32Array> => {
    const series = describeSeries({ detector: pilatus(), name: 'x', images: 3, seed })
    const build = openSeries(series, await loadHdf5())
    const file = [...filesOf(series)][image - 1]
    assert.ok(file !== undefined)
    return decodeCbf(Buffer.from(build(file))).pixels
  }

  it('are the same for the same seed and number, whatever was made before', async () => {
    assert.deepEqual(await pixelsOf(5, 2), await pixelsOf(5, 2))
  })

  it('differ from one another and between seeds', async () => {
    assert.notDeepEqual(await pixelsOf(5, 2), await pixelsOf(5, 3))
    assert.notDeepEqual(await pixelsOf(5, 2), await pixelsOf(6, 2))
  })

  it('repeat after as many as are wanted, in every file', async () => {
    const series = describeSeries({ detector: pilatus({ width: 60, height: 40 }), name: 'x', images: 5, variety: 2 })
    const build = openSeries(series, await loadHdf5())
    const images = [...filesOf(series)].map((file) => decodeCbf(Buffer.from(build(file))).pixels)
    assert.notDeepEqual(images[0], images[1])
    assert.deepEqual(images.slice(2), [images[0], images[1], images[0]])
  })

  it('look like diffraction: some background, few bright spots, a beam stop, gaps', async () => {
    const pixels = await pixelsOf(1, 1)
    const detector = pilatus()
    const open = pixels.filter((value) => value >= 0)
    const mean = open.reduce((sum, value) => sum + Math.min(value, 100), 0) / open.length
    assert.ok(mean > 0.5 && mean < 20, `mean ${mean}`)
    const bright = open.filter((value) => value > 100).length
    assert.ok(bright > 50 && bright < open.length / 50, `${bright} bright pixels`)
    const { beamX, beamY } = describeSeries({ detector, name: 'x', images: 1 }).experiment
    assert.equal(pixels[Math.round(beamY) * detector.width + Math.round(beamX)], 0)
    assert.equal(pixels[200 * detector.width], -1)
    assert.ok(pixels.includes(-2), 'dead pixels')
  })
})

describe('other readers', () => {
  const python = (code: string): string => {
    const { status, stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', code], { cwd: folder, encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    return stdout.trim()
  }
  const missing = (module: string): string | false =>
    spawnSync('/usr/bin/python3', ['-c', `import ${module}`]).status === 0
      ? false
      : `python3-${module} is not installed`

  it('h5py follows the links of a master', { skip: missing('h5py') }, async () => {
    await write(eiger(size), 'h5py_1')
    const code = `
import h5py
d = h5py.File('h5py_1_master.h5')['/entry/data']
print([(k, d[k].shape, int(d[k].attrs['image_nr_high'])) for k in d], d['data_000003'].file.filename.split('/')[-1])`
    assert.equal(
      python(code),
      "[('data_000001', (2, 560, 60), 2), ('data_000002', (2, 560, 60), 4), ('data_000003', (1, 560, 60), 5)] " +
        'h5py_1_data_000003.h5',
    )
  })

  it('fabio reads a CBF image, pixel by pixel', { skip: missing('fabio') }, async () => {
    const series = await write(pilatus(), 'fabio_1')
    const build = openSeries(series, await loadHdf5())
    const [file] = filesOf(series)
    assert.ok(file !== undefined)
    const { pixels } = decodeCbf(Buffer.from(build(file)))
    const weighted = pixels.reduce((sum, value, index) => sum + BigInt(value) * BigInt((index % 1009) + 1), 0n)
    const code = `
import fabio, numpy, logging, sys
logging.basicConfig(stream=sys.stdout, level=logging.WARNING)
d = fabio.open('fabio_1_00001.cbf').data.astype('int64').ravel()
print(d.shape[0], (d * (numpy.arange(d.shape[0]) % 1009 + 1)).sum())`
    assert.equal(python(code), `${pixels.length} ${weighted}`)
  })

  it('CBFlib reads a CBF image and agrees with its MD5', { skip: missing('pycbf') }, async () => {
    await write(pilatus(), 'cbflib_1')
    const code = `
import pycbf
h = pycbf.cbf_handle_struct()
h.read_widefile(b'cbflib_1_00002.cbf', pycbf.MSG_DIGESTNOW)
h.select_datablock(0); h.select_category(0); h.find_column(b'data')
print(h.get_integerarrayparameters_wdims_fs()[5:10], len(h.get_integerarray_as_string()))`
    assert.match(python(code), /301453.* 1205812$/)
  })
})
