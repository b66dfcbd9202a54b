import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { copyTree } from '#lib/copy-tree/index.js'
import { scratch } from './support/tree.js'

const bytes = (...parts: (string | number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => Buffer.from(part as string)))

const names: Readonly<Record<string, Buffer>> = {
  'invalid UTF-8': bytes('a', [0xff, 0xfe, 0x80], 'z'),
  'a lone surrogate as CESU-8': bytes([0xed, 0xa0, 0x80]),
  'overlong UTF-8': bytes([0xc0, 0xaf]),
  'a newline': bytes('a\nb'),
  'a newline and a backslash': bytes('a\n\\n'),
  'every byte from 1 to 255 but the slash, first half': bytes(range(1, 128)),
  'every byte from 1 to 255 but the slash, second half': bytes(range(128, 256)),
  '255 bytes': Buffer.alloc(255, 'n'),
  '255 bytes of two-byte characters': Buffer.alloc(255, 'é'),
  'text that is not normalized': bytes('e\u0301'),
  'spaces around': bytes('  a  '),
  dots: bytes('...'),
  'what looks like a temp file': bytes('.susten-0123456789abcdef.tmp.'),
  'a backslash': bytes('a\\b'),
  'a leading dash': bytes('-rf'),
}

function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i).filter((byte) => byte !== 0x2f)
}

async function plant(t: TestContext, name: Buffer): Promise<{ root: Buffer; at: (side: string) => Buffer }> {
  const root = Buffer.from(await scratch(t))
  const at = (side: string): Buffer => Buffer.concat([root, Buffer.from(`/${side}/`), name])
  await mkdir(join(root.toString(), 'src'))
  return { root, at }
}

for (const [what, name] of Object.entries(names)) {
  test(`a file's name is kept exactly: ${what}`, async (t) => {
    const { root, at } = await plant(t, name)
    await writeFile(at('src'), 'content')
    await copyTree(`${root}/src`, `${root}/dest`)
    assert.deepEqual(await readdir(`${root}/dest`, { encoding: 'buffer' }), [name])
    assert.equal(await readFile(at('dest'), 'utf8'), 'content')
  })

  test(`a directory's name is kept exactly: ${what}`, async (t) => {
    const { root, at } = await plant(t, name)
    await mkdir(at('src'))
    await writeFile(Buffer.concat([at('src'), Buffer.from('/f')]), 'content')
    await copyTree(`${root}/src`, `${root}/dest`)
    assert.equal(await readFile(Buffer.concat([at('dest'), Buffer.from('/f')]), 'utf8'), 'content')
  })

  test(`the roots themselves may be bytes: ${what}`, async (t) => {
    const { at } = await plant(t, name)
    await writeFile(at('src'), 'content')
    const { digests } = await copyTree(at('src'), at('dest'), { digests: true })
    assert.equal(await readFile(at('dest'), 'utf8'), 'content')
    assert.deepEqual(digests?.[0]?.path, name)
  })
}

test('a relative path begins at a working directory whose name is not UTF-8', async (t) => {
  const { root, at } = await plant(t, bytes([0xff, 0xfe]))
  await mkdir(at('src'))
  await writeFile(Buffer.concat([at('src'), Buffer.from('/f')]), 'content')
  const library = new URL('../../dist/copy-tree/index.js', import.meta.url).href
  const code = `import { copyTree } from '${library}'; await copyTree('f', 'g')`
  // Neither chdir nor spawn take bytes; a shell does.
  const shell = 'cd "$(printf "$1/src/\\\\377\\\\376")" && exec "$2" --input-type=module -e "$3"'
  const { status, stderr } = spawnSync('sh', ['-c', shell, 'sh', `${root}`, process.execPath, code], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  assert.equal(await readFile(Buffer.concat([at('src'), Buffer.from('/g')]), 'utf8'), 'content')
})

test("a failure's path is told as bytes where it is not text", async (t) => {
  const { root, at } = await plant(t, bytes('a', [0xff]))
  await mkdir(at('src'))
  await mkdir(`${root}/dest`)
  await writeFile(at('dest'), 'in the way')
  const { failures } = await copyTree(`${root}/src`, `${root}/dest`, { onError: 'continue' })
  assert.equal(failures.length, 1)
  assert.equal(failures[0]?.code, 'ERR_FS_CP_DIR_TO_NON_DIR')
  assert.equal(failures[0]?.path, `${root}/dest/a\ufffd`)
  assert.deepEqual(Buffer.from(failures[0]?.pathBytes ?? []), at('dest'))
  assert.ok((await lstat(at('dest'))).isFile())
})

for (const [what, path] of Object.entries({ 'an empty path': '', 'a NUL byte': 'a\0b', 'a number': 7, null: null })) {
  test(`${what} is refused as fs refuses it`, async () => {
    const code = typeof path === 'string' ? 'ERR_INVALID_ARG_VALUE' : 'ERR_INVALID_ARG_TYPE'
    await assert.rejects(copyTree(path as string, '/tmp/x'), { name: 'SustenError', code })
    await assert.rejects(copyTree('/tmp/x', path as string), { name: 'SustenError', code })
  })
}
