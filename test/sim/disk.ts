/**
 * The disk under a journal: what was written is in memory until it is synced, and every step of every operation waits
 * until it is let through. A kill leaves what was written; a power cut leaves of the rest any part.
 */
import { SustenError } from 'susten'
import type { AppendFile, JournalFiles } from '#lib/journal/index.js'
import type { Random } from '../support/random.js'

/** Bytes that a disk writes whole or not at all. */
const SECTOR = 512

interface DiskFile {
  bytes: Buffer
  length: number
  /** So many of its first bytes are on stable storage. */
  synced: number
}

/** One step of an operation. */
interface Stage {
  readonly run: () => void
  /** What may have happened of it when the process dies in its midst. */
  readonly part?: (random: Random) => void
}

interface Work {
  readonly stages: Stage[]
  readonly resolve: () => void
  readonly reject: (error: SustenError) => void
}

export interface SimDisk {
  readonly files: JournalFiles
  /** Operations that wait to be let through. */
  readonly waiting: number
  /** Lets one step through; whether that was an operation's last one. Undefined: nothing waits. */
  advance(random: Random): boolean | undefined
  /** Fails what waits, as far as it had come. */
  fail(random: Random, code: 'ENOSPC' | 'EIO'): void
  /** What a later process finds, once this one was killed. */
  killed(random: Random): SimDisk
  /** What is found after the power was cut. */
  cut(random: Random): SimDisk
}

/**
 * @param names What programs see.
 * @param safe Names that are on stable storage.
 */
export function simDisk(names = new Map<string, DiskFile>(), safe = new Map<string, DiskFile>()): SimDisk {
  const works: Work[] = []

  function work(stages: Stage[]): Promise<void> {
    return new Promise((resolve, reject) => works.push({ stages, resolve, reject }))
  }

  function fileOf(name: string): DiskFile {
    const file = names.get(name)
    if (file === undefined) throw fault('ENOENT')
    return file
  }

  const sync = (file: DiskFile): Stage => ({
    run: () => {
      file.synced = file.length
    },
  })

  const syncNames: Stage = {
    run: () => {
      safe.clear()
      for (const [name, file] of names) safe.set(name, file)
    },
  }

  function appendFile(file: DiskFile): AppendFile {
    return {
      append(bytes, position) {
        if (position < file.synced) throw new RangeError('what is durable would be overwritten')
        const sent = Uint8Array.from(bytes)
        const part = (random: Random): void => write(file, sent.subarray(0, random.below(sent.length + 1)), position)
        return work([{ run: () => write(file, sent, position), part }, sync(file)])
      },
      close: async () => {},
    }
  }

  const files: JournalFiles = {
    directory: '/journal',
    list: async () => [...names.keys()],
    async read(name) {
      const { bytes, length } = fileOf(name)
      return Buffer.from(bytes.subarray(0, length))
    },
    async create(name, content) {
      const file: DiskFile = { bytes: Buffer.alloc(content.length), length: 0, synced: 0 }
      const unfinished = `${name}.new`
      await work([
        { run: () => void names.set(unfinished, file) },
        { run: () => write(file, content, 0) },
        sync(file),
        {
          run: () => {
            names.delete(unfinished)
            names.set(name, file)
          },
        },
        syncNames,
      ])
      return appendFile(file)
    },
    open: async (name) => appendFile(fileOf(name)),
    settle: (given) => work([...given.map((name) => sync(fileOf(name))), syncNames]),
    truncate(name, length) {
      const file = fileOf(name)
      return work([
        {
          run: () => {
            file.length = length
          },
        },
        sync(file),
      ])
    },
    remove: (name) => work([{ run: () => void names.delete(name) }, syncNames]),
    release: async () => {},
  }

  /** The process dies: of each operation the next step may have begun. */
  function die(random: Random): void {
    for (const { stages } of works.splice(0)) {
      const [next] = stages
      if (next === undefined || random.chance(0.5)) continue
      if (next.part === undefined || random.chance(0.5)) next.run()
      else next.part(random)
    }
  }

  return {
    files,
    get waiting() {
      return works.length
    },
    advance(random) {
      const index = random.below(works.length)
      const one = works[index]
      if (one === undefined) return undefined
      one.stages.shift()?.run()
      if (one.stages.length > 0) return false
      works.splice(index, 1)
      one.resolve()
      return true
    },
    fail(random, code) {
      const all = [...works]
      die(random)
      for (const { reject } of all) reject(fault(code))
    },
    killed(random) {
      die(random)
      return simDisk(new Map(names), new Map(safe))
    },
    cut(random) {
      die(random)
      const left = new Map<string, DiskFile>()
      for (const name of new Set([...names.keys(), ...safe.keys()])) {
        const file = random.chance(0.5) ? names.get(name) : safe.get(name)
        if (file !== undefined) left.set(name, torn(file, random))
      }
      return simDisk(left, new Map(left))
    },
  }
}

function write(file: DiskFile, content: Uint8Array, position: number): void {
  const end = position + content.length
  if (end > file.bytes.length) {
    const grown = Buffer.alloc(end * 2)
    file.bytes.copy(grown, 0, 0, file.length)
    file.bytes = grown
  }
  file.bytes.set(content, position)
  file.length = Math.max(file.length, end)
}

/** Of what isn't synced any of the sectors, up to any length. */
function torn({ bytes, length, synced }: DiskFile, random: Random): DiskFile {
  const longest = Math.max(length, synced)
  const shortest = Math.min(length, synced)
  const end = shortest + random.pick([0, longest - shortest, random.below(longest - shortest + 1)])
  const left = Buffer.from(bytes.subarray(0, end))
  for (let at = synced; at < end; at += SECTOR - (at % SECTOR)) {
    if (random.chance(0.3)) left.fill(0, at, Math.min(end, at + SECTOR - (at % SECTOR)))
  }
  return { bytes: left, length: end, synced: end }
}

function fault(code: 'ENOSPC' | 'EIO' | 'ENOENT'): SustenError {
  return new SustenError(`${code}: injected`, { code, errno: -5, syscall: 'write' })
}
