/** What detectors and users do to the buffer. */
import type { Fingerprint } from '#lib/core/index.js'
import { bytes } from '../support/core-world.js'
import { type File, fileAt, put, sync, usedBytes } from './places.js'
import { post } from './process.js'
import { nextInode, note, running, stamp, type World } from './world.js'

function write(world: World, path: string, file: Omit<File, 'kind' | 'content' | 'ctimeNs'>): boolean {
  const { buffer } = world
  if (!world.isSourceThere || usedBytes(buffer) + file.size > buffer.capacity) return false
  world.contents += 1
  world.lineage.set(world.contents, file.ino)
  put(buffer, path, { kind: 'file', content: world.contents, ctimeNs: stamp(world), ...file })
  sync(buffer, path)
  forgo(world, path)
  note(world, `  ${path} is content ${world.contents}`)
  return true
}

/** What the name stood for before is nobody's promise any more. */
export function forgo(world: World, path: string): void {
  world.owed.delete(path)
  world.touched.set(path, (world.touched.get(path) ?? 0) + 1)
}

/** A new file under a name, renamed over what stands there. */
export function writeNew(world: World, path: string): boolean {
  const size = 1 + world.random.below(4)
  return write(world, path, { ino: nextInode(world), size, mtimeNs: stamp(world) })
}

/** Into the file that is there; where there is none, or a link, a new one is made. */
export function changeInPlace(world: World, path: string, how: number): boolean {
  const file = fileAt(world.buffer, path)
  if (file === undefined) return writeNew(world, path)
  if (isLeased(world, path)) return false
  const size = how % 2 === 0 ? file.size + 1 : file.size
  // Some set the time back to what it was.
  const mtimeNs = how % 5 === 0 && world.setup.verify ? file.mtimeNs : stamp(world)
  return write(world, path, { ino: file.ino, size, mtimeNs })
}

/** A release holds the file: who would write into it waits, and finds it under its name afterwards, or a link. */
function isLeased(world: World, path: string): boolean {
  return running(world).releases.some(({ command, order, stage }) => {
    return command.tier === 'buffer' && order.path === path && (stage === 'looked' || stage === 'away')
  })
}

export function remove(world: World, path: string): void {
  const { buffer } = world
  if (!world.isSourceThere || buffer.now.get(path)?.kind !== 'file') return
  put(buffer, path, undefined)
  sync(buffer, path)
  forgo(world, path)
  note(world, `  ${path} is removed by its user`)
}

/** Says that a file is complete; once that is durable with us, we owe its copies. */
export function announce(world: World, path: string, cut: number, fingerprint?: Fingerprint): void {
  const { buffer } = world
  const file = fileAt(buffer, path)
  const stamped = world.touched.get(path)
  world.cuts.set(path, cut)
  const event = { type: 'announced', at: world.now, path: bytes(path), cut, fingerprint } as const
  post(running(world), event, () => {
    if (file === undefined || world.touched.get(path) !== stamped) return
    const record = world.book.safe.records.get(path)
    if (record === undefined) return
    const { content } = file
    const ids = record.copies.map(({ storage }) => storage)
    const on = new Set(ids.filter((id) => !world.spoiled.has(`${content} ${id}`)))
    if (content <= world.exchanged) on.delete('usb')
    world.owed.set(path, { content, on, shift: record.shift, name: path.slice(cut) })
  })
}
