/** Jobs for tests of the engine. */
import { bytesOfText } from '#lib/bytes.js'
import type { NativeCopyJob, NativeCopyOptions } from '#lib/native.js'
import type { Directory } from './tree.js'

/** Everything preserved and verified; nothing waits for a disk. */
const quick: NativeCopyOptions = {
  verify: 'inline',
  durability: 'none',
  strategy: 'auto',
  uid: 'try',
  gid: 'try',
  mode: 'keep',
  times: 'keep',
  xattrs: 'off',
  acls: 'off',
}

/** Files `f0`, `f1`, … whose content is their number. */
export function numbered(count: number): Directory {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, `${i}`]))
}

/** A job that copies the first `count` of {@link numbered} files. */
export function copyJob(src: string, dest: string, count: number): NativeCopyJob {
  const names = Array.from({ length: count }, (_, i) => bytesOfText(`f${i}`))
  return {
    srcRoot: bytesOfText(src),
    destRoot: bytesOfText(dest),
    options: quick,
    files: names.map((name) => ({ src: name, dest: name, existing: 'replace' })),
  }
}
