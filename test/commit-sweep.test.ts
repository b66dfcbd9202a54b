/** What a killed process left under hidden names goes with the next one of the same tag, and nothing else does. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { bytes, namedTemps, openRaw, same } from './support/raw-engine.js'
import { scratch } from './support/tree.js'

async function place(t: TestContext): Promise<string> {
  const root = await scratch(t)
  for (const name of ['src', 'dest', 'src/d']) mkdirSync(`${root}/${name}`)
  writeFileSync(`${root}/src/f`, 'content')
  return root
}

/** A process that is killed while the engine makes `call`. */
async function victim(...args: [call: string, root: string, tag: string, what: 'files' | 'tree']): Promise<void> {
  const file = fileURLToPath(new URL('./fixtures/victim.js', import.meta.url))
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function copy(root: string, tempTag: string): Promise<void> {
  await using engine = openRaw({ faults: [namedTemps], tempTag })
  const job = { srcRoot: bytes(`${root}/src`), destRoot: bytes(`${root}/dest`), files: [same('f')] }
  assert.equal((await engine.startFiles(job).finished).files[0]?.error, undefined)
}

const hidden = (root: string): string[] => readdirSync(`${root}/dest`).filter((name) => name.startsWith('.susten-'))

test('a file that was being copied', async (t) => {
  const root = await place(t)
  for (const call of ['pread', 'futimens', 'renameat2']) {
    await victim(call, root, 'p11', 'files')
    assert.equal(hidden(root).length, 1, call)
    assert.match(hidden(root)[0] ?? '', /^\.susten-p11-[0-9a-f]{16}-[0-9a-f]{16}\.tmp$/)
    await copy(root, 'p11')
    assert.deepEqual(readdirSync(`${root}/dest`), ['f'])
    assert.equal(readFileSync(`${root}/dest/f`, 'latin1'), 'content')
  }
})

test('a directory that was being made', async (t) => {
  const root = await place(t)
  await victim('renameat2', root, 'p11', 'tree')
  assert.equal(hidden(root).length, 1)
  await copy(root, 'p11')
  assert.deepEqual(readdirSync(`${root}/dest`), ['f'])
})

test("what is another's stays: other tags, no tag, names that only look alike, and this process's own", async (t) => {
  const root = await place(t)
  await victim('pread', root, 'p11x', 'files')
  await victim('pread', root, '', 'files')
  const others = hidden(root)
  assert.equal(others.length, 2)
  for (const name of ['.susten-p11-notes.txt', '.susten-p11.tmp', 'susten-p11-1-1.tmp']) {
    writeFileSync(`${root}/dest/${name}`, '')
    others.push(name)
  }
  // Another engine of this very process is in the middle of a file.
  const fault = { call: 'pread', effect: 'hold' }
  await using busy = openRaw({ faults: [fault, namedTemps], tempTag: 'p11' })
  const job = { srcRoot: bytes(`${root}/src`), destRoot: bytes(`${root}/dest`) }
  const { finished } = busy.startFiles({ ...job, files: [{ ...same('f'), dest: bytes('g') }] })
  await busy.reached(fault)
  await copy(root, 'p11')
  busy.release()
  assert.equal((await finished).files[0]?.outcome, 'created')
  assert.deepEqual(readdirSync(`${root}/dest`).sort(), [...others, 'f', 'g'].sort())
})
