/** The copy of a small tree with everything in it, as a world for the fault matrix. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  closeSync,
  constants,
  cpSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { digestOf } from '#lib/demo/digest.js'
import type { NativeCopyOptions } from '#lib/native.js'
import type { FaultWorld } from './fault-matrix.js'
import { bytes } from './raw-engine.js'

const directories = ['', 'd', 'd/e', 'empty']
const files = ['f', 'd/g', 'd/e/h']
const links = ['l', 'd/dangling']

export interface TreeScenario {
  /** Whether there is an older copy in the way. */
  readonly over: boolean
  readonly options: Partial<NativeCopyOptions>
}

/** A world in which a tree is copied below `root`. */
export function treeWorld(root: string, { over, options }: TreeScenario): FaultWorld {
  const [src, dest, old] = [join(root, 'src'), join(root, 'dest'), join(root, 'old')]
  for (const path of [src, dest, old]) rmSync(path, { recursive: true, force: true })
  build(src, 'new')
  build(old, 'old')
  const before = picture(src)
  let was: Record<string, string> = {}

  return {
    roots: [src, dest, root],
    reset() {
      rmSync(dest, { recursive: true, force: true })
      if (over) cpSync(old, dest, { recursive: true, verbatimSymlinks: true })
      was = picture(dest)
    },
    run: (engine) =>
      engine.startTree({ src: bytes(src), dest: bytes(dest), options, verbatimSymlinks: true, stopOnError: false })
        .finished,
    check({ files: results, done }) {
      assert.deepEqual(picture(src), before, 'the source is as it was')
      const failed = results.filter(({ outcome }) => outcome === 'failed')
      assert.equal(done.progress?.failed, failed.length)
      const now = picture(dest)
      for (const name of Object.keys(now)) assert.ok(!name.includes('.susten-'), `left: ${name}`)
      if (failed.length === 0 && done.error === undefined) {
        assert.deepEqual(over ? withoutDirectories(now) : now, over ? withoutDirectories(before) : before)
        return
      }
      // Whatever has its name is whole: as it is in the source, or as it was.
      for (const name of [...files, ...links]) {
        const is = now[name]
        assert.ok(is === before[name] || is === was[name], `${name}: ${is}`)
      }
    },
  }
}

function build(path: string, text: string): void {
  for (const name of directories) mkdirSync(join(path, name), { recursive: true })
  for (const name of files) writeFileSync(join(path, name), `${text} ${name}`.repeat(500))
  for (const name of links) symlinkSync(`${text}/target`, join(path, name))
  for (const name of [...files, ...links, ...directories].reverse()) {
    if (!links.includes(name)) chmodSync(join(path, name), directories.includes(name) ? 0o751 : 0o604)
    lchownSync(join(path, name), 1234, 5678)
    lutimesSync(join(path, name), 1000.5, 2000.25)
  }
}

/** What is in a tree: kind, owner, mode and time of each, and what it holds. */
function picture(root: string): Record<string, string> {
  const found: Record<string, string> = {}
  const visit = (name: string): void => {
    const path = join(root, name)
    const st = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    if (st === undefined) return
    const about = `${st.mode.toString(8)} ${st.uid}:${st.gid} ${st.mtimeNs}`
    if (st.isDirectory()) {
      found[name] = about
      for (const entry of readdirSync(path)) visit(join(name, entry))
    } else {
      found[name] = `${about} ${st.isSymbolicLink() ? readlinkSync(path) : digestOf(read(path))}`
    }
  }
  visit('')
  return found
}

function read(path: string): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOATIME)
  try {
    return readFileSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Directories that were there keep what they had. */
function withoutDirectories(tree: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(tree).filter(([name]) => !directories.includes(name)))
}
