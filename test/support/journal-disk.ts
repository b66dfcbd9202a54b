/**
 * A disk for journals that is kept in memory and driven by chance: every operation waits until it is let through, may
 * fail, and at a power cut what was not through is there, or not, or in part. One seed gives one history.
 */
import { setImmediate } from 'node:timers/promises'
import { SustenError } from 'susten'
import type { AppendFile, JournalFiles } from '#lib/journal/index.js'
import type { Random } from './random.js'

/** Bytes that a disk writes whole or not at all. */
const SECTOR = 512

interface Pending {
  /** Carries it out in full. */
  readonly finish: () => void
  /** What a power cut may leave of it. */
  readonly tear: () => void
  readonly resolve: () => void
  readonly reject: (error: SustenError) => void
}

export interface MemoryDisk extends JournalFiles {
  /** Lets one waiting operation through, chosen by chance; false if none waits. */
  advance(): boolean
  /** Fails one waiting operation, as far as it had come. */
  fail(code: 'ENOSPC' | 'EIO'): boolean
  /** What is there after the power was cut now. Nothing that this disk was asked for goes on. */
  cut(): MemoryDisk
  readonly content: ReadonlyMap<string, Buffer>
}

export function memoryDisk(random: Random, content = new Map<string, Buffer>()): MemoryDisk {
  const waiting: Pending[] = []
  let isCut = false

  function wait(finish: () => void, tear: () => void): Promise<void> {
    return new Promise((resolve, reject) => waiting.push({ finish, tear, resolve, reject }))
  }

  function write(name: string, bytes: Uint8Array, position: number): void {
    const old = content.get(name) ?? Buffer.alloc(0)
    const grown = Buffer.alloc(Math.max(old.length, position + bytes.length))
    old.copy(grown)
    grown.set(bytes, position)
    content.set(name, grown)
  }

  /** Any of the sectors, and any length. */
  function writeTorn(name: string, bytes: Uint8Array, position: number): void {
    const copy = Uint8Array.from(bytes)
    for (let at = 0; at < copy.length; ) {
      const next = Math.min(copy.length, at + SECTOR - ((position + at) % SECTOR))
      if (random.chance(0.4)) copy.fill(0, at, next)
      at = next
    }
    const whole = random.chance(0.5) ? copy.length : random.below(copy.length + 1)
    write(name, copy.subarray(0, whole), position)
  }

  function appendFile(name: string): AppendFile {
    return {
      append(bytes, position) {
        const sent = Uint8Array.from(bytes)
        return wait(
          () => write(name, sent, position),
          () => random.chance(0.8) && writeTorn(name, sent, position),
        )
      },
      close: async () => {},
    }
  }

  function contentOf(name: string): Buffer {
    const bytes = content.get(name)
    if (bytes === undefined) throw fault('ENOENT')
    return bytes
  }

  const disk: MemoryDisk = {
    directory: '/memory',
    content,
    list: async () => [...content.keys()].sort(() => random.next() - 0.5),
    read: async (name) => Buffer.from(contentOf(name)),
    async create(name, bytes) {
      const sent = Uint8Array.from(bytes)
      await wait(
        () => write(name, sent, 0),
        () => {
          if (random.chance(0.3)) write(name, sent, 0)
          else if (random.chance(0.5)) writeTorn(`${name}.new`, sent, 0)
        },
      )
      return appendFile(name)
    },
    async open(name) {
      contentOf(name)
      return appendFile(name)
    },
    // What is there at a start is on the disk: this one loses the process with the power only.
    settle: async () => {},
    truncate(name, length) {
      const cut = (): void => void content.set(name, Buffer.from(contentOf(name).subarray(0, length)))
      return wait(cut, () => random.chance(0.5) && cut())
    },
    remove(name) {
      const drop = (): void => void content.delete(name)
      return wait(drop, () => random.chance(0.5) && drop())
    },
    release: async () => {},
    advance() {
      const [one] = waiting.splice(random.below(waiting.length), 1)
      if (one === undefined || isCut) return false
      one.finish()
      one.resolve()
      return true
    },
    fail(code) {
      const [one] = waiting.splice(random.below(waiting.length), 1)
      if (one === undefined || isCut) return false
      one.tear()
      one.reject(fault(code))
      return true
    },
    cut() {
      isCut = true
      for (const one of waiting.splice(0).sort(() => random.next() - 0.5)) one.tear()
      return memoryDisk(random, content)
    },
  }
  return disk
}

/** Drives a disk until a piece of work is done. */
export async function settle<T>(disk: MemoryDisk, work: Promise<T>): Promise<T> {
  let isDone = false
  const end = (): void => {
    isDone = true
  }
  work.then(end, end)
  while (!isDone) {
    disk.advance()
    await setImmediate()
  }
  return work
}

function fault(code: 'ENOSPC' | 'EIO' | 'ENOENT'): SustenError {
  return new SustenError(`${code}: injected`, { code, errno: -5, syscall: 'write' })
}
