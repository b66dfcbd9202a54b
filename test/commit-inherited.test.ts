/** Default ACLs: whose directory lets whom into what is made there. */
import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { copyTree } from 'susten'
import { command, finds } from './support/mounts.js'
import { bytes, openRaw, same } from './support/raw-engine.js'
import { scratch } from './support/tree.js'

const skip = process.geteuid?.() !== 0 ? 'needs root' : finds('setfacl') ? false : 'needs setfacl'
const [host, guest] = [1001, 1002]

/** `src` with a directory and a file in `beam`, of `owner`; `dest/beam` is `hostOf`'s and lets the host in by default. */
async function prepare(t: TestContext, owner: number, hostOf: number): Promise<{ src: string; dest: string }> {
  const root = await scratch(t)
  const [src, dest] = [`${root}/src`, `${root}/dest`]
  for (const path of [src, `${src}/beam`, `${src}/beam/v`, dest, `${dest}/beam`]) mkdirSync(path)
  writeFileSync(`${src}/beam/v/secret`, 'secret')
  writeFileSync(`${src}/beam/top`, 'secret')
  for (const [name, mode] of [
    ['beam/v', 0o770],
    ['beam/v/secret', 0o660],
    ['beam/top', 0o660],
  ] as const) {
    chownSync(`${src}/${name}`, owner, 200)
    chmodSync(`${src}/${name}`, mode)
  }
  chownSync(`${dest}/beam`, hostOf, 200)
  command('setfacl', '-d', '-m', `u:${host}:rwx`, `${dest}/beam`)
  return { src, dest }
}

const names = ['beam/v', 'beam/v/secret', 'beam/top']
const letIn = (dest: string): string[] =>
  names.filter((name) => command('getfacl', '-pn', `${dest}/${name}`).includes(`user:${host}:`))

async function copyFiles(src: string, dest: string): Promise<void> {
  await using engine = openRaw()
  const files = ['beam/v/secret', 'beam/top'].map((name) => same(name))
  const { finished } = engine.startFiles({ srcRoot: bytes(src), destRoot: bytes(dest), files })
  for (const { outcome } of (await finished).files) assert.equal(outcome, 'created')
}

async function copyWhole(src: string, dest: string): Promise<void> {
  await copyTree(src, dest)
}

for (const [what, copy] of Object.entries({ copyFiles, copyTree: copyWhole })) {
  test(`a directory's owner is not let into another's copies by its default ACL (${what})`, { skip }, async (t) => {
    const { src, dest } = await prepare(t, guest, host)
    chownSync(`${src}/beam`, host, 200)
    await copy(src, dest)
    assert.deepEqual(letIn(dest), [])
  })

  test(`a default ACL of the copies' own owner counts (${what})`, { skip }, async (t) => {
    const { src, dest } = await prepare(t, guest, guest)
    chownSync(`${src}/beam`, guest, 200)
    await copy(src, dest)
    assert.deepEqual(letIn(dest), names)
  })

  test(`a default ACL of the administrator's counts (${what})`, { skip }, async (t) => {
    const { src, dest } = await prepare(t, guest, 0)
    await copy(src, dest)
    assert.deepEqual(letIn(dest), names)
  })
}
