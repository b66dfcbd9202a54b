import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { callControl, openControlClient } from '#lib/control/index.js'
import { daemonWorld, whyNoDaemon } from './support/grimsel-daemon.js'
import { until } from './support/pipe-world.js'

const options = { skip: whyNoDaemon() ?? false }

interface Copy {
  readonly id: string
  readonly type: string
  readonly state: string
  readonly digest?: string
}
interface File {
  readonly path: string
  readonly pathBase64?: string
  readonly shift: number
  readonly storages: readonly Copy[]
}
interface Answer {
  readonly files: readonly (File | null)[]
}

test(
  'another daemon announces a thousand files a call, and learns when they are durable, on one connection',
  options,
  async (t) => {
    const { grimsel, socket, buffer } = await daemonWorld(t)
    assert.equal((await grimsel('start')).code, 0)
    await using client = await openControlClient(socket)
    const find = async (paths: readonly unknown[]): Promise<Answer['files']> =>
      ((await client.call('find', { paths })) as Answer).files

    const { shift } = (await client.call('shift', { uid: 1000, gid: 100, userDirectory: 'lab' })) as { shift: number }
    const raw = Buffer.from(`${buffer}/\xff`, 'latin1')
    const odd = { base64: raw.toString('base64') }
    const paths = Array.from({ length: 999 }, (_, index) => join(buffer, '.', `image_${index}.cbf`))
    for (const path of [...paths, raw]) writeFileSync(path, 'content')
    assert.deepEqual(await client.call('add', { paths: [...paths, odd] }), { added: 1000, refused: 0, reasons: [] })
    let files: Answer['files'] = []
    await until(async () => {
      files = await find([...paths, odd])
      return files.every((file) => file?.storages.every(({ state }) => state === 'copied') === true)
    })
    assert.deepEqual(
      files.map((file) => file?.path),
      [...paths, `${buffer}/\ufffd`],
    )
    assert.equal(files[999]?.pathBase64, odd.base64)
    assert.equal(files[0]?.shift, shift)
    assert.deepEqual(
      files[0]?.storages.map(({ id, type }) => [id, type]),
      [
        ['disk', 'internal'],
        ['über:2', 'optional'],
      ],
    )
    assert.equal(new Set(files.flatMap((file) => file?.storages.map(({ digest }) => digest))).size, 1)

    assert.deepEqual(
      (await find([join(buffer, 'never'), '/etc/passwd', `${buffer}/../x`, paths[0]])).map((file) => file?.path),
      [undefined, undefined, undefined, paths[0]],
    )
    const long = `${buffer}/${'x/'.repeat(2000)}`
    assert.equal((await find(Array.from({ length: 1000 }, (_, index) => `${long}${index}`))).length, 1000)
    assert.deepEqual(await client.call('find', { paths: [] }), { files: [] })
    for (const params of [
      undefined,
      { paths: 'x' },
      { paths: [1] },
      { paths: [], more: 1 },
      { paths: new Array(1001).fill('x') },
    ]) {
      await assert.rejects(client.call('find', params), { code: 'ERR_SUSTEN_OPTION' })
    }
  },
)

test('what is known of a file outlasts the daemon', options, async (t) => {
  const { grimsel, socket, buffer } = await daemonWorld(t)
  assert.equal((await grimsel('start')).code, 0)
  const path = join(buffer, 'file')
  writeFileSync(path, 'content')
  assert.equal((await grimsel('add', path)).code, 0)
  const find = async (): Promise<unknown> => callControl(socket, 'find', { paths: [path] })
  const isCopied = async (): Promise<boolean> =>
    ((await find()) as Answer).files[0]?.storages.every(({ state }) => state === 'copied') ?? false
  await until(isCopied)
  const found = await find()
  const pid = Number(((await callControl(socket, 'version')) as { pid: number }).pid)
  process.kill(pid, 'SIGKILL')
  await until(async () => (await grimsel('start')).code === 0)
  assert.deepEqual(await find(), found)
})
