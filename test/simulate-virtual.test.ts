import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, test } from 'node:test'
import { Dataset, File, Group, ready } from 'h5wasm/node'
import { openSeries } from '#lib/simulate/build.js'
import { loadHdf5 } from '#lib/simulate/hdf5.js'
import { describeSeries, eiger, filesOf } from '#lib/simulate/index.js'
import { lookup3 } from '#lib/simulate/lookup3.js'

test('lookup3 gives the values that its author published', () => {
  const text = Buffer.from('Four score and seven years ago')
  assert.equal(lookup3(Buffer.alloc(0)), 0xdeadbeef)
  assert.equal(lookup3(text), 0x17770551)
})

describe('an EIGER series of the format v2024.2', () => {
  const folder = mkdtempSync(join(tmpdir(), 'susten-test-virtual-'))
  const size = { width: 60, height: 40 }
  const series = describeSeries({
    detector: eiger(size),
    name: 'run/lyso_1',
    images: 5,
    imagesPerFile: 2,
    firstNumber: 11,
    format: 'v2024.2',
  })
  const legacy = { ...series, format: 'legacy' as const }
  const pixels: Uint16Array[] = []

  before(async () => {
    await ready
    const build = openSeries(series, await loadHdf5())
    for (const file of filesOf(series)) writeFileSync(join(folder, file.name.replace('run/', '')), build(file))
    // The same images as the legacy format stores them.
    const other = openSeries(legacy, await loadHdf5())
    for (const file of filesOf(legacy)) {
      if (file.kind !== 'data') continue
      writeFileSync(join(folder, 'legacy.h5'), other(file))
      const stack = new File(join(folder, 'legacy.h5'), 'r')
      const { value } = stack.get('/entry/data/data') as Dataset
      assert.ok(value instanceof Uint16Array)
      for (let at = 0; at < value.length; at += 2400) pixels.push(value.slice(at, at + 2400))
      stack.close()
    }
    assert.equal(pixels.length, 5)
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('has one virtual dataset of four dimensions, whose sources are named by bare file names', () => {
    const master = new File(join(folder, 'lyso_1_master.h5'), 'r')
    const data = master.get('/entry/data/data')
    assert.ok(data instanceof Dataset)
    assert.deepEqual([data.shape, data.dtype], [[5, 1, 40, 60], '<H'])
    assert.deepEqual(data.metadata.virtual_sources, [
      { file_name: 'lyso_1_data_000001.h5', dset_name: '/entry/data/data' },
      { file_name: 'lyso_1_data_000002.h5', dset_name: '/entry/data/data' },
      { file_name: 'lyso_1_data_000003.h5', dset_name: '/entry/data/data' },
    ])
    master.close()
  })

  it('shows every image of the data files through it', () => {
    const master = new File(join(folder, 'lyso_1_master.h5'), 'r')
    const { value } = master.get('/entry/data/data') as Dataset
    assert.deepEqual(value, Uint16Array.from(pixels.flatMap((image) => [...image])))
    master.close()
  })

  it('tells of axes, channel and image numbers', () => {
    const master = new File(join(folder, 'lyso_1_master.h5'), 'r')
    const group = master.get('/entry/data')
    assert.ok(group instanceof Group)
    assert.deepEqual(group.attrs['axes']?.value, ['image_id', 'channel', '.', '.'])
    assert.deepEqual((master.get('/entry/data/image_id') as Dataset).value, Uint32Array.from([11, 12, 13, 14, 15]))
    assert.deepEqual((master.get('/entry/data/channel') as Dataset).value, ['threshold_1'])
    assert.ok(master.get('/entry/instrument/detector/threshold_1_channel/pixel_mask') instanceof Dataset)
    const file = new File(join(folder, 'lyso_1_data_000002.h5'), 'r')
    const data = file.get('/entry/data/data') as Dataset
    assert.deepEqual([data.attrs['image_nr_low']?.value, data.attrs['image_nr_high']?.value], [13, 14])
    file.close()
    master.close()
  })

  const missing = (program: string, ...args: string[]): string | false =>
    spawnSync(program, args).status === 0 ? false : `${program} ${args.join(' ')} does not work here`

  it('is read by h5dump', { skip: missing('h5dump', '--version') }, () => {
    const { status, stdout, stderr } = spawnSync(
      'h5dump',
      ['-p', '-d', '/entry/data/data', '-s', '4,0,0,0', '-c', '1,1,40,60', '-y', '-w', '0', 'lyso_1_master.h5'],
      { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 24 },
    )
    assert.deepEqual([status, stderr], [0, ''])
    assert.match(stdout, /MAPPING 2 \{[\s\S]*START \(4,0,0,0\)[\s\S]*FILE "lyso_1_data_000003\.h5"/)
    const [, numbers = ''] = /DATA \{([\s\d,]*)\}/.exec(stdout) ?? []
    assert.deepEqual(Uint16Array.from(numbers.split(',').map(Number)), pixels[4])
  })

  it('is read by h5py', { skip: missing('/usr/bin/python3', '-c', 'import h5py') }, () => {
    const code = `
import h5py
d = h5py.File('lyso_1_master.h5')['/entry/data/data']
print(d.is_virtual, d.shape, [int(d[i].astype('int64').sum()) for i in range(5)])`
    const { stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', code], { cwd: folder, encoding: 'utf8' })
    const sums = pixels.map((image) => image.reduce((sum, pixel) => sum + pixel, 0))
    assert.equal(stdout.trim(), `True (5, 1, 40, 60) [${sums.join(', ')}]`, stderr)
  })

  it('reads as zeros, without an error, where a data file is missing', () => {
    unlinkSync(join(folder, 'lyso_1_data_000002.h5'))
    const master = new File(join(folder, 'lyso_1_master.h5'), 'r')
    const data = master.get('/entry/data/data') as Dataset
    assert.deepEqual(data.slice([[2, 3], [], [], []]), new Uint16Array(2400))
    assert.deepEqual(data.slice([[1, 2], [], [], []]), pixels[1])
    master.close()
  })
})

test('without data files all images are in the master, in either format', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'susten-test-virtual-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const format of ['legacy', 'v2024.2'] as const) {
    const detector = eiger({ width: 60, height: 40 })
    const series = describeSeries({ detector, name: format, images: 3, imagesPerFile: 0, format })
    const build = openSeries(series, await loadHdf5())
    const files = [...filesOf(series)]
    assert.deepEqual(
      files.map(({ name }) => name),
      [`${format}_master.h5`],
    )
    for (const file of files) writeFileSync(join(folder, file.name), build(file))
    const master = new File(join(folder, `${format}_master.h5`), 'r')
    const data = master.get('/entry/data/data') as Dataset
    assert.deepEqual(data.shape, format === 'legacy' ? [3, 40, 60] : [3, 1, 40, 60])
    assert.deepEqual([data.attrs['image_nr_low']?.value, data.attrs['image_nr_high']?.value], [1, 3])
    assert.ok((data.value as Uint16Array).some((pixel) => pixel > 0 && pixel < 0xffff))
    master.close()
  }
})
