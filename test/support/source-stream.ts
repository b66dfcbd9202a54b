/** Files that arrive all the time, and a reader that does with them what Furka does. */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FileOffer, FileSource } from '#lib/source/files.js'

/** Writes files into a directory, in pieces, some of them twice. @returns what they contain in the end */
export async function produce(directory: string, count: number): Promise<ReadonlyMap<string, string>> {
  const contents = new Map<string, string>()
  for (let i = 0; i < count; i++) {
    const name = `run ${i % 3}/image_${i}.cbf`
    mkdirSync(`${directory}/run ${i % 3}`, { recursive: true })
    const content = `image ${i} `.repeat(1 + ((i * 37) % 500))
    const fd = openSync(`${directory}/${name}`, 'w')
    writeSync(fd, content.slice(0, content.length / 2))
    if (i % 4 === 0) await sleep(5)
    writeSync(fd, content.slice(content.length / 2))
    closeSync(fd)
    contents.set(name, content)
    if (i % 10 === 9) {
      const again = `again ${content}`
      writeFileSync(`${directory}/${name}`, again)
      contents.set(name, again)
    }
    if (i % 5 === 0) await sleep(5)
  }
  return contents
}

/**
 * Takes what is offered: fetches it, keeps it, and has it removed if what is kept is still that version.
 * @returns contents by path, once so many names were removed
 */
export async function consume(source: FileSource, count: number): Promise<ReadonlyMap<string, string>> {
  const kept = new Map<string, { readonly version: string; readonly content: string }>()
  const gone = new Map<string, string>()
  const stopping = new AbortController()
  const working = new Set<Promise<void>>()

  async function take(file: FileOffer): Promise<void> {
    try {
      const place = await source.locate?.(file)
      assert.equal(place?.type, 'path')
      const { root, name } = place as { root: string; name: string }
      const content = readFileSync(Buffer.from(`${root}/${name}`), 'utf8')
      await source.release?.(file)
      kept.set(file.name, { version: file.version, content })
    } catch (error) {
      // It will be offered anew, or is gone.
      const { code } = error as { code: string }
      assert.match(code, /^(ERR_SUSTEN_CHANGED|ENOENT)$/)
      return
    }
    for (;;) {
      const removal = await source.remove(file)
      if (removal.outcome === 'early') {
        await sleep(removal.after)
        continue
      }
      const now = kept.get(file.name)
      if (removal.outcome === 'removed' && now?.version === file.version) gone.set(file.name, now.content)
      break
    }
    if (gone.size === count) stopping.abort()
  }

  for await (const event of source.open(stopping.signal)) {
    if (event.type !== 'file') continue
    const one = take(event.file).finally(() => working.delete(one))
    working.add(one)
  }
  await Promise.all(working)
  return gone
}
