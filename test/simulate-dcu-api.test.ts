import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { apiVersions, simulateDcu } from '#lib/simulate/dcu/index.js'
import { api, ask, eventually, listed, put, startDcu, value, valueAt } from './support/dcu-world.js'

for (const version of apiVersions) {
  describe(`the API ${version} of a simulated detector server`, () => {
    const isNew = version === '1.8.0'

    it('tells its version, with and without a slash, for every module', async (t) => {
      const dcu = await startDcu(t, { version })
      for (const module of ['detector', 'filewriter', 'monitor', 'stream', 'system']) {
        const wanted = { value: version, value_type: 'string' }
        assert.deepEqual(await value(dcu, `/${module}/api/version`), wanted)
        assert.deepEqual(await value(dcu, `/${module}/api/version/`), wanted)
      }
    })

    it('knows no other version, module, task or name', async (t) => {
      const dcu = await startDcu(t, { version })
      const other = isNew ? '1.6.0' : '1.8.0'
      const paths = [
        `/filewriter/api/${other}/files`,
        `/detector/api/${other}/status/state`,
        api(dcu, 'detector/status/nothing'),
        api(dcu, 'detector/config/nothing'),
        api(dcu, 'detector/nothing/state'),
        api(dcu, 'nothing/status/state'),
        api(dcu, 'detector/files'),
        '/nothing',
        '/',
      ]
      for (const path of paths) assert.equal((await ask(dcu, path)).status, 404, path)
      assert.equal((await put(dcu, api(dcu, 'detector/command/nothing'))).status, 404)
    })

    it('lists files in the form of its version', async (t) => {
      const dcu = await startDcu(t, { version })
      const list = (): Promise<unknown> => value(dcu, api(dcu, 'filewriter/files'))
      assert.deepEqual(await list(), isNew ? { access_mode: 'r', value: null, value_type: 'string[]' } : [])
      await dcu.add('a.h5', Buffer.from('a'))
      await dcu.add('dir/b.h5', Buffer.from('b'))
      const names = ['a.h5', 'dir/b.h5']
      assert.deepEqual(await list(), isNew ? { access_mode: 'r', value: names, value_type: 'string[]' } : names)
      assert.deepEqual(await value(dcu, api(dcu, 'filewriter/files/')), await list())
      const other = await ask(dcu, api(dcu, 'filewriter/status/files'))
      assert.equal(other.status, isNew ? 200 : 404)
      if (isNew) assert.deepEqual(await valueAt(dcu, api(dcu, 'filewriter/status/files')), names)
    })

    it('tells what is free in the unit of its version', async (t) => {
      const dcu = await startDcu(t, { version, memory: 10 * 1024 * 1024 })
      await dcu.add('a.h5', Buffer.alloc(1024 * 1024))
      const free = (await value(dcu, api(dcu, 'filewriter/status/buffer_free'))) as Record<string, unknown>
      assert.equal(free['value'], isNew ? 9 * 1024 * 1024 : 9 * 1024)
      assert.equal(free['unit'], isNew ? 'B' : '')
      if (!isNew) assert.equal(free['state'], 'normal')
    })

    it('goes from na over idle, ready and acquire to idle again, and the file writer with it', async (t) => {
      const dcu = await startDcu(t, { version, ready: false, images: 200, experiment: { frameTime: 0.05 } })
      const states = async (): Promise<unknown[]> => [
        await valueAt(dcu, api(dcu, 'detector/status/state')),
        await valueAt(dcu, api(dcu, 'filewriter/status/state')),
      ]
      const order = (path: string) => put(dcu, api(dcu, path))
      assert.deepEqual(await states(), ['na', 'disabled'])
      assert.equal((await order('detector/command/arm')).status, 400)
      assert.equal((await order('detector/command/initialize')).status, 200)
      assert.deepEqual(await states(), ['idle', 'disabled'])
      assert.equal((await put(dcu, api(dcu, 'filewriter/config/mode'), { value: 'enabled' })).status, 200)
      assert.deepEqual(await states(), ['idle', 'ready'])
      assert.equal((await order('detector/command/trigger')).status, 400)
      const armed = await order('detector/command/arm')
      assert.deepEqual([armed.status, JSON.parse(armed.body.toString())], [200, { 'sequence id': 1 }])
      assert.deepEqual(await states(), ['ready', 'acquire'])
      assert.deepEqual(await listed(dcu), ['series_1_master.h5'])
      assert.equal((await order('detector/command/arm')).status, 400, 'armed already')
      const triggering = order('detector/command/trigger')
      await eventually(async () => (await states())[0] === 'acquire', 'images are taken')
      assert.equal((await put(dcu, api(dcu, 'detector/config/nimages'), { value: 5 })).status, 400, 'busy')
      assert.equal((await order('detector/command/initialize')).status, 400, 'busy')
      await sleep(60)
      assert.equal((await order('detector/command/abort')).status, 200)
      assert.deepEqual(JSON.parse((await triggering).body.toString()), { 'sequence id': 1 })
      assert.deepEqual(await states(), ['idle', 'ready'])
      assert.deepEqual(await listed(dcu), ['series_1_master.h5', 'series_1_data_000001.h5'])
    })
  })
}

test('the list and the free space can be those of other firmware', async (t) => {
  const dcu = await startDcu(t, { emptyIsNull: false, bufferUnit: 'KB', memory: 5000 })
  assert.deepEqual(await valueAt(dcu, api(dcu, 'filewriter/status/files')), [])
  const free = await value(dcu, api(dcu, 'filewriter/status/buffer_free'))
  assert.deepEqual(free, { access_mode: 'r', unit: 'KB', value: 4, value_type: 'uint' })
  const old = await startDcu(t, { version: '1.6.0', bufferUnit: 'B', memory: 5000 })
  assert.equal(await valueAt(old, api(old, 'filewriter/status/buffer_free')), 5000)
})

test('a value is read with its limits and put with its dependents', async (t) => {
  const dcu = await startDcu(t)
  assert.deepEqual(await value(dcu, api(dcu, 'detector/config/nimages')), {
    access_mode: 'rw',
    max: 999_999,
    min: 1,
    value: 1,
    value_type: 'uint',
  })
  assert.deepEqual(await value(dcu, api(dcu, 'detector/config/trigger_mode')), {
    access_mode: 'rw',
    allowed_values: ['exte', 'exts', 'inte', 'ints'],
    value: 'ints',
    value_type: 'string',
  })
  const changed = await put(dcu, api(dcu, 'detector/config/wavelength'), { value: 1 })
  assert.deepEqual(JSON.parse(changed.body.toString()), ['wavelength', 'photon_energy', 'threshold_energy'])
  assert.equal(await valueAt(dcu, api(dcu, 'detector/config/photon_energy')), 12_398.42)
  await put(dcu, api(dcu, 'detector/config/count_time'), { value: 0.5 })
  assert.equal(await valueAt(dcu, api(dcu, 'detector/config/frame_time')), 0.5 + 1e-7)
})

test('values that are wrong, and what has no value, are refused and change nothing', async (t) => {
  const dcu = await startDcu(t)
  const wrong: [string, unknown][] = [
    ['detector/config/nimages', { value: 0 }],
    ['detector/config/nimages', { value: 1.5 }],
    ['detector/config/nimages', { value: '2' }],
    ['detector/config/nimages', 2],
    ['detector/config/trigger_mode', { value: 'never' }],
    ['detector/config/auto_summation', { value: 1 }],
    ['detector/config/description', { value: 'mine' }],
    ['filewriter/config/name_pattern', { value: 1 }],
    ['filewriter/config/nimages_per_file', {}],
  ]
  for (const [path, given] of wrong) {
    const { status, body } = await put(dcu, api(dcu, path), given)
    assert.equal(status, 400, `${path} ${JSON.stringify(given)}: ${body}`)
  }
  assert.equal((await ask(dcu, api(dcu, 'detector/config/nimages'), { method: 'PUT', body: '{' })).status, 400)
  assert.equal(await valueAt(dcu, api(dcu, 'detector/config/nimages')), 1)
  const both = { mode: { value: 'disabled' }, nimages_per_file: { value: -1 } }
  assert.equal((await put(dcu, api(dcu, 'filewriter/config'), both)).status, 400)
  assert.equal(await valueAt(dcu, api(dcu, 'filewriter/config/mode')), 'enabled')
})

test('1.8.0 takes several values at once, older versions one', async (t) => {
  const given = { mode: { value: 'disabled' }, format: { value: 'hdf5 nexus v2024.2 nxmx' } }
  const dcu = await startDcu(t)
  const { status, body } = await put(dcu, api(dcu, 'filewriter/config'), given)
  assert.deepEqual([status, JSON.parse(body.toString())], [200, ['mode', 'format']])
  assert.equal(await valueAt(dcu, api(dcu, 'filewriter/config/format')), 'hdf5 nexus v2024.2 nxmx')
  const old = await startDcu(t, { version: '1.6.0' })
  assert.equal((await put(old, api(old, 'filewriter/config'), { mode: { value: 'disabled' } })).status, 404)
  assert.equal((await ask(old, api(old, 'filewriter/config/format'))).status, 404)
  assert.equal(await valueAt(old, api(old, 'filewriter/config/transfer_mode')), 'http')
})

test('names of values and commands can be asked for, and all values at once', async (t) => {
  const dcu = await startDcu(t)
  const keys = (await value(dcu, api(dcu, 'detector/config/keys'))) as string[]
  assert.ok(keys.includes('x_pixels_in_detector'))
  const all = (await value(dcu, api(dcu, 'detector/config'))) as Record<string, { value: unknown }>
  assert.deepEqual(Object.keys(all), keys)
  assert.equal(all['x_pixels_in_detector']?.value, 60)
  assert.deepEqual(await value(dcu, api(dcu, 'filewriter/status/keys')), [
    'buffer_free',
    'error',
    'files',
    'state',
    'time',
  ])
  assert.deepEqual(await value(dcu, api(dcu, 'filewriter/command/keys')), ['clear', 'initialize'])
  const commands = (await value(dcu, api(dcu, 'detector/command/keys'))) as string[]
  assert.ok(['arm', 'trigger', 'disarm', 'cancel', 'abort', 'initialize'].every((name) => commands.includes(name)))
})

test('methods that a path does not have are refused with those that it has', async (t) => {
  const dcu = await startDcu(t)
  const cases: [string, string, string][] = [
    ['POST', api(dcu, 'filewriter/config/mode'), 'GET, PUT'],
    ['PUT', api(dcu, 'filewriter/status/state'), 'GET'],
    ['DELETE', api(dcu, 'filewriter/files'), 'GET'],
    ['GET', api(dcu, 'filewriter/command/clear'), 'PUT'],
    ['PUT', '/data/a.h5', 'GET, HEAD, DELETE'],
  ]
  for (const [method, path, allowed] of cases) {
    const { status, headers } = await ask(dcu, path, { method })
    assert.deepEqual([status, headers['allow']], [405, allowed], `${method} ${path}`)
  }
})

test('clear removes every file; initialize lets series begin at 1 again and turns the file writer off', async (t) => {
  const dcu = await startDcu(t)
  assert.equal(await dcu.acquire(), 1)
  assert.equal((await put(dcu, api(dcu, 'filewriter/command/initialize'))).status, 200)
  assert.equal(await valueAt(dcu, api(dcu, 'filewriter/status/state')), 'disabled')
  assert.equal((await listed(dcu)).length, 2)
  assert.equal(await dcu.acquire(), 1, 'without the file writer')
  assert.equal(dcu.truth.files.length, 2)
  await put(dcu, api(dcu, 'filewriter/config/mode'), { value: 'enabled' })
  await put(dcu, api(dcu, 'detector/command/initialize'))
  assert.equal(await dcu.acquire(), 1, 'the names come again')
  assert.deepEqual(
    dcu.truth.files.map(({ name, state }) => [name, state]),
    [
      ['series_1_master.h5', 'replaced'],
      ['series_1_data_000001.h5', 'replaced'],
      ['series_1_master.h5', 'present'],
      ['series_1_data_000001.h5', 'present'],
    ],
  )
  assert.notEqual(dcu.truth.files[1]?.digest, dcu.truth.files[3]?.digest, 'with other content')
  assert.equal((await put(dcu, api(dcu, 'filewriter/command/clear'))).status, 200)
  assert.deepEqual(await listed(dcu), [])
  assert.ok(dcu.truth.files.every(({ state }) => state === 'replaced' || state === 'cleared'))
})

test('external triggers are accepted without effect; a pulse from outside takes the images', async (t) => {
  const dcu = await startDcu(t, { images: 2, triggers: 2, imagesPerFile: 2 })
  await put(dcu, api(dcu, 'detector/config/trigger_mode'), { value: 'exts' })
  await put(dcu, api(dcu, 'detector/command/arm'))
  assert.equal((await put(dcu, api(dcu, 'detector/command/trigger'))).status, 200)
  assert.equal((await listed(dcu)).length, 1)
  await dcu.trigger()
  assert.equal((await listed(dcu)).length, 2)
  assert.equal(await valueAt(dcu, api(dcu, 'detector/status/state')), 'ready')
  await dcu.trigger()
  assert.equal((await listed(dcu)).length, 3)
  assert.equal(await valueAt(dcu, api(dcu, 'detector/status/state')), 'idle')
})

test('wrong options are refused by name, and a port that is taken by its code', async (t) => {
  const wrong: [object, RegExp][] = [
    [{ versio: '1.8.0' }, /did you mean 'version'/],
    [{ version: '1.7.0' }, /'version' must be '1\.5\.0' or '1\.6\.0' or '1\.8\.0'/],
    [{ version: '1.6.0', format: 'v2024.2' }, /'format' can only be 'legacy'/],
    [{ memory: 0 }, /'memory'/],
    [{ experiment: { frameTime: Number.POSITIVE_INFINITY } }, /'experiment.frameTime'/],
    [{ experiment: { brightness: 0 } }, /'experiment.brightness'/],
    [{ compressionRatio: 0.5 }, /'compressionRatio'/],
    [{ faults: [{ kind: 'slow' }] }, /option 'faults', item 1: fault 'slow' needs 'bytesPerSecond'/],
    [{ port: 70_000 }, /'port'/],
    [{ namePattern: '' }, /'namePattern'/],
    [{ bufferUnit: 'TB' }, /'bufferUnit'/],
  ]
  for (const [options, message] of wrong) {
    await assert.rejects(simulateDcu(options), { code: 'ERR_SUSTEN_OPTION', message })
  }
  const dcu = await startDcu(t)
  await assert.rejects(simulateDcu({ port: dcu.port }), { code: 'EADDRINUSE' })
})
