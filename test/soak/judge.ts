/** At the end: what the servers had is held against what the storages have. */

import type { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join, sep } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { ServerTruth, TrueFile } from './messages.js'
import { type SoakTurn, turnsOf } from './turns.js'

/** A file on a storage. */
interface Found {
  /** Below the storage. */
  readonly path: string
  readonly uid: number
  readonly gid: number
  readonly mtime: number
}

export interface Verdict {
  /** Files that had to be there. */
  readonly wanted: number
  /** Files that are there, on the last storage, and on the first. */
  readonly external: number
  readonly internal: number
  readonly bytes: number
  /** Files that needn't be there: overwritten, cleared, gone with the memory; how many of them are. */
  readonly excused: number
  readonly spared: number
  /** Those whose owner could only be one; the others came when lists couldn't be relied on. */
  readonly owners: number
  /** Copies beyond one that are excused: the server had said that the file isn't there. */
  readonly again: number
  /** Files under names of versions. */
  readonly versions: number
  /** What is the beginning of a file: it was seen, and copied, while it stood still in its growth. */
  readonly early: number
  readonly violations: readonly string[]
}

export interface Case {
  readonly internal: string
  readonly external: string
  readonly turns: readonly SoakTurn[]
  readonly truths: ReadonlyMap<string, ServerTruth>
}

/** Milliseconds before a file's beginning for which another one of its name can pass its time of being seen on to it. */
const HERITAGE = 600_000

export async function judge({ internal, external, turns, truths }: Case): Promise<Verdict> {
  const violations: string[] = []
  const known = new Map<string, { readonly file: TrueFile; readonly server: string }[]>()
  for (const [server, { files }] of truths) {
    for (const file of files) {
      const same = known.get(file.digest)
      if (same === undefined) known.set(file.digest, [{ file, server }])
      else same.push({ file, server })
    }
  }
  let early = 0
  const last = await look(external, violations)
  const first = await look(internal, violations)
  for (const [where, found] of [
    ['external', last],
    ['internal', first],
  ] as const) {
    for (const [digest, copies] of found.files) {
      if (known.has(digest)) continue
      for (const { path } of copies) {
        if (isBeginning(readFileSync(join(where === 'external' ? external : internal, path)), path)) early++
        else violations.push(`${where}: content that no server had: ${path}`)
      }
    }
  }

  /** The first part of a file of that name, or of one that was never completed. */
  function isBeginning(content: Buffer, path: string): boolean {
    const [server = '', visit = '', raw = '', ...rest] = path.split(sep)
    const name = rest.join(sep).replace(/(\.~\w+~)+$/, '')
    const truth = truths.get(server)
    if (truth === undefined || !turns.some(({ userDirectory }) => userDirectory === join(visit, raw))) return false
    if (truth.unfinished.includes(name)) return true
    const grown = truth.files.filter((file) => file.name === name && file.begun < file.completed)
    // It was overwritten, or lost by its server, before it was seen whole.
    if (grown.some(({ digest, size }) => size > content.length && !last.files.has(digest))) return true
    const copies = truth.files.flatMap((file) => (file.name === name ? (last.files.get(file.digest) ?? []) : []))
    return copies.some((copy) => {
      const whole = readFileSync(join(external, copy.path))
      return whole.length > content.length && whole.subarray(0, content.length).equals(content)
    })
  }

  const counts = { wanted: 0, excused: 0, spared: 0, owners: 0, again: 0 }
  for (const [server, truth] of truths) {
    const seenBefore = heritage(truth)
    const overwriting = overwriters(truth)
    for (const file of truth.files) {
      const copies = last.files.get(file.digest) ?? []
      if (file.state === 'deleted' && !file.overtaken) counts.wanted++
      else if (file.state !== 'present' || file.hostile || file.overtaken) {
        counts.excused++
        if (copies.length > 0) counts.spared++
        continue
      }
      const what = `${server} ${file.name} (${file.size} B, ${file.digest}, ${file.state})`
      if (file.state === 'present') violations.push(`still at its server: ${what}`)
      if (copies.length === 0) {
        violations.push(`lost: ${what}`)
        continue
      }
      const same = known.get(file.digest) ?? []
      const beyond = copies.length - same.length
      if (beyond > 0) {
        if (same.some((one) => one.file.denied)) counts.again += beyond
        else violations.push(`more than once: ${what}: ${copies.map(({ path }) => path)}`)
      }
      if (same.length > 1 || beyond > 0) continue
      const begun = seenBefore.get(file) ?? file.begun
      const isDisturbed = truth.disturbed.some(([from, to]) => from <= lastChange(turns, file) && file.begun <= to)
      const isUncertain = isDisturbed || file.denied || overwriting.has(file)
      const range = turnsOf(turns, begun, isUncertain ? file.gone || Date.now() : file.completed)
      if (range[0] === range[1]) counts.owners++
      const wrong = copies[0] === undefined ? undefined : wrongOwner(copies[0], server, turns, range)
      if (wrong !== undefined) violations.push(`${wrong}: ${what}: ${copies[0]?.path}, turns ${range}`)
    }
  }
  return {
    ...counts,
    external: last.count,
    internal: first.count,
    bytes: last.bytes,
    versions: last.versions,
    early,
    violations,
  }
}

/** When the next turn had certainly begun, after a file was complete. */
function lastChange(turns: readonly SoakTurn[], { completed }: TrueFile): number {
  return turns.find(({ from }) => from > completed)?.to ?? completed
}

/** A file that takes a name that was there may be taken for the older one, grown: it was seen when that was. */
function heritage({ files }: ServerTruth): Map<TrueFile, number> {
  const begun = new Map<TrueFile, number>()
  const names = new Map<string, TrueFile>()
  for (const file of files) {
    const before = names.get(file.name)
    if (
      before !== undefined &&
      (before.gone === 0 || file.begun - before.gone < HERITAGE) &&
      before.state !== 'deleted'
    )
      begun.set(file, begun.get(before) ?? before.begun)
    names.set(file.name, file)
  }
  return begun
}

/** Lists have names only: that a name has another content than before is seen when the file itself is looked at. */
function overwriters({ files }: ServerTruth): Set<TrueFile> {
  const found = new Set<TrueFile>()
  const names = new Map<string, TrueFile>()
  for (const file of files) {
    if (names.get(file.name)?.state === 'replaced') found.add(file)
    names.set(file.name, file)
  }
  return found
}

function wrongOwner(
  { path, uid, gid }: Found,
  server: string,
  turns: readonly SoakTurn[],
  [first, last]: readonly [number, number],
): string | undefined {
  const at = turns.findIndex(({ userDirectory }) => path.startsWith(`${join(server, userDirectory)}${sep}`))
  const turn = turns[at]
  if (turn === undefined) return 'in nobody’s directory'
  if (uid !== turn.uid || gid !== turn.gid) return `owner ${uid}:${gid} in the directory of ${turn.uid}:${turn.gid}`
  return at < first || at > last ? `belongs to turn ${at}` : undefined
}

interface Looked {
  /** By digest. */
  readonly files: Map<string, Found[]>
  count: number
  bytes: number
  versions: number
}

/** Reads all of a storage. What isn't a file, a directory or a link to one shouldn't be there. */
async function look(storage: string, violations: string[]): Promise<Looked> {
  const looked: Looked = { files: new Map(), count: 0, bytes: 0, versions: 0 }
  for (const entry of readdirSync(storage, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const below = path.slice(storage.length + 1)
    if (entry.isDirectory()) continue
    if (below.startsWith('lost+found')) continue
    if (entry.isSymbolicLink()) {
      // Given back: what it leads to is looked at where it is.
      if (!readlinkSync(path).startsWith('/')) violations.push(`a strange link: ${path}`)
      continue
    }
    if (entry.name.startsWith('.susten-')) {
      violations.push(`litter: ${path}`)
      continue
    }
    const content = readFileSync(path)
    const { uid, gid, mtimeMs } = lstatSync(path)
    const digest = createHash('sha256').update(content).digest('hex')
    const copies = looked.files.get(digest)
    const found = { path: below, uid, gid, mtime: mtimeMs }
    if (copies === undefined) looked.files.set(digest, [found])
    else copies.push(found)
    looked.bytes += content.length
    if (/\.~\w+~$/.test(below)) looked.versions++
    if (++looked.count % 100 === 0) await turn()
  }
  return looked
}
