/** A source of files in memory, which does as a test tells it. */
import type { FileBody, FileOffer, FilePlace, FileSource, Removal, SourceEvent, SourceState } from 'susten'

export interface MemorySource extends FileSource {
  readonly files: Map<string, { readonly offer: FileOffer; readonly content: Uint8Array }>
  /** What was asked for, in order: `read a`, `remove a`, `release a`. */
  readonly asked: string[]
  /** Tells an event, whatever it is. */
  tell(event: unknown): void
  state(state: Partial<SourceState>): void
  /** Adds a file and offers it. */
  put(name: string, content: Uint8Array | string, more?: Partial<FileOffer>): FileOffer
  /** The reading throws this. */
  fail(error: unknown): void
  /** How often it was opened, and whether it is closed. */
  readonly opened: number
  readonly closed: boolean
  /** May be replaced by a test. */
  reading: (file: FileOffer) => Promise<FileBody>
  removing: (file: FileOffer) => Promise<Removal>
  locating: ((file: FileOffer) => FilePlace | undefined) | undefined
}

export function memorySource(id = 'memory'): MemorySource {
  let queue: unknown[] = [{ type: 'state', state: { available: true, details: {} } }]
  let next = 0
  let wake = (): void => {}
  let failure: { readonly error: unknown } | undefined
  let opened = 0
  let closed = false
  const files: MemorySource['files'] = new Map()
  const asked: string[] = []

  async function* open(signal?: AbortSignal): AsyncGenerator<SourceEvent> {
    opened += 1
    if (opened > 1) {
      queue = [{ type: 'state', state: { available: true, details: {} } }]
      next = 0
      for (const { offer } of files.values()) queue.push({ type: 'file', file: offer })
    }
    signal?.addEventListener('abort', () => wake())
    while (!closed && !signal?.aborted) {
      if (failure !== undefined) {
        const { error } = failure
        failure = undefined
        throw error
      }
      if (next < queue.length) yield queue[next++] as SourceEvent
      else {
        queue = []
        next = 0
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  }

  async function* contentOf(content: Uint8Array): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < content.length; at += 1000) yield content.subarray(at, at + 1000)
  }

  const close = async (): Promise<void> => {
    closed = true
    wake()
  }

  const source: MemorySource = {
    id,
    files,
    asked,
    get opened() {
      return opened
    },
    get closed() {
      return closed
    },
    open,
    tell(event) {
      queue.push(event)
      wake()
    },
    state: (state) => source.tell({ type: 'state', state: { available: true, details: {}, ...state } }),
    put(name, content, more = {}) {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content
      const version = `${bytes.length}`
      const offer = { name, path: name, version, exact: true, size: bytes.length, seen: Date.now(), ...more }
      files.set(name, { offer, content: bytes })
      source.tell({ type: 'file', file: offer })
      return offer
    },
    fail(error) {
      failure = { error }
      wake()
    },
    async reading({ name, version }) {
      const found = files.get(name)
      if (found === undefined) throw Object.assign(new Error(`${name} is gone`), { code: 'ENOENT' })
      if (found.offer.version !== version) throw new Error(`${name} is another by now`)
      return { size: found.content.length, content: contentOf(found.content) }
    },
    async removing({ name, version }) {
      const found = files.get(name)
      if (found === undefined) return { outcome: 'gone' }
      if (found.offer.version !== version) return { outcome: 'changed' }
      files.delete(name)
      return { outcome: 'removed' }
    },
    locating: undefined,
    locate: (file) => source.locating?.(file),
    read(file) {
      asked.push(`read ${file.name}`)
      return source.reading(file)
    },
    remove(file) {
      asked.push(`remove ${file.name}`)
      return source.removing(file)
    },
    release(file) {
      asked.push(`release ${file.name}`)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
  return source
}
