/** Tells others what is known of files. */
import { Buffer } from 'node:buffer'
import { type ByteString, bufferOfBytes, bytesOfText } from '../../bytes.js'
import { type JsonText, jsonText } from '../../control/index.js'
import { SustenError } from '../../errors.js'
import type { FoundFile } from '../../mirror/index.js'
import { createSlices } from '../../slices.js'
import { parseAnnounced } from '../../source/index.js'
import type { Grimsel } from '../types.js'

/** Milliseconds of work at a stretch. */
const slice = 0.25

/**
 * `files`, in the order of the paths: null where nothing is known, as of a path that can't be announced.
 * @param buffer The directory that files arrive in.
 */
export async function find(
  grimsel: Pick<Grimsel, 'find'>,
  buffer: string,
  paths: readonly ByteString[],
): Promise<JsonText> {
  const source = bytesOfText(buffer)
  const pause = createSlices(slice)
  const good: Buffer[] = []
  /** Of each path, its place among the good ones. */
  const places: (number | undefined)[] = []
  for (const path of paths) {
    const raw = bufferOfBytes(path)
    places.push(canBeAnnounced(source, raw) ? good.push(raw) - 1 : undefined)
    await pause()
  }
  const found = await grimsel.find(good)
  const files: string[] = []
  for (const place of places) {
    files.push(wireFile(place === undefined ? undefined : found[place]))
    await pause()
  }
  return jsonText(`{"files":[${files.join(',')}]}`)
}

function canBeAnnounced(source: ByteString, path: Buffer): boolean {
  try {
    parseAnnounced(source, path, 'buffer')
    return true
  } catch (error) {
    if (error instanceof SustenError) return false
    throw error
  }
}

function wireFile(file: FoundFile | undefined): string {
  if (file === undefined) return 'null'
  const { pathBytes, ...rest } = file
  if (pathBytes === undefined) return JSON.stringify(file)
  return JSON.stringify({ ...rest, pathBase64: Buffer.from(pathBytes).toString('base64') })
}
