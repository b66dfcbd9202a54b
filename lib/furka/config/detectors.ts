/** Reads the detectors' sections. */
import { type Problems, quoted, type RawSection } from '../../config/index.js'
import type { FilePosition } from '../../errors.js'
import type { KnownDetector } from './clashes.js'
import { checkPolling, filewriterSource } from './filewriter.js'
import { defaults, detectorDefaults, detectorKinds, detectorSpelling, keysOfProtocols, ppuSpelling } from './keys.js'
import { readSpelled, type Spelled } from './spelled.js'
import type { FurkaSource } from './types.js'

type DetectorKey = keyof typeof detectorKinds
type Detector = Spelled<typeof detectorKinds>

/** A detector, how messages call it, and where its section begins. */
export interface PlacedDetector {
  readonly at: FilePosition
  readonly name: string
  readonly detector: KnownDetector
  /** Whether the file says where its files go. */
  readonly hasTarget: boolean
}

export function readDetectors(sections: readonly RawSection[], problems: Problems): readonly PlacedDetector[] {
  const ids = new Map<string, FilePosition>()
  return sections.map((section, index) => {
    const { at } = section
    const name = nameOf(section, index)
    const words = { prefix: `${name}: `, misplaced }
    const read = readSpelled(section.entries, detectorKinds, detectorSpelling, words, problems)
    const id = read.given.id
    const earlier = id === undefined ? undefined : ids.get(id.value)
    if (id !== undefined && earlier === undefined) ids.set(id.value, id.at)
    if (earlier !== undefined) {
      problems.add(at, `${name} is there twice, first in line ${earlier.line}; each needs a detectorID of its own`)
    }
    const detector = knownDetector(read, name, at, problems)
    // Once more the same would only be told twice.
    const known = earlier === undefined ? detector : { ...detector, source: undefined }
    return { at, name, detector: known, hasTarget: read.given.target !== undefined }
  })
}

/** How messages call a detector: by its id as it stands in the file, else by its number. */
function nameOf({ entries }: RawSection, index: number): string {
  const value = entries.find(({ key }) => key === detectorSpelling.id)?.value
  return value?.form === 'text' && value.text !== '' ? `detector ${quoted(value.text)}` : `detector number ${index + 1}`
}

function misplaced(key: string): string | undefined {
  if (!(Object.values(ppuSpelling) as string[]).includes(key)) return undefined
  return `${key} is a key of the whole file, not of a detector; move it above the first ${detectorSpelling.id}`
}

function knownDetector(read: Detector, name: string, at: FilePosition, problems: Problems): KnownDetector {
  const { given, wrong } = read
  // What it needs and may have is only known with its protocol.
  const source = wrong.has('protocol') ? undefined : sourceOf(read, name, at, problems)
  return {
    id: given.id?.value,
    source: wrong.size > 0 ? undefined : source,
    target: wrong.has('target') ? undefined : (given.target?.value ?? detectorDefaults.target),
  }
}

function sourceOf(read: Detector, name: string, at: FilePosition, problems: Problems): FurkaSource | undefined {
  const { given } = read
  const protocol = given.protocol?.value ?? detectorDefaults.protocol
  checkKeys(read, protocol, name, problems)
  if (protocol === 'directory') {
    if (isMissing(read, 'path', 'the directory that the detector writes to', name, at, problems)) return undefined
    return {
      protocol,
      path: given.path?.value ?? '',
      sourceMount: given.sourceMount?.value,
      settle: given.settle?.value ?? detectorDefaults.settle,
      scanInterval: given.scanInterval?.value ?? detectorDefaults.scanInterval,
    }
  }
  if (protocol === 'filewriter') checkPolling(read, `${name}: `, problems)
  if (isMissing(read, 'host', detectorKinds.host.allowed, name, at, problems)) return undefined
  const host = given.host?.value ?? ''
  if (protocol === 'filewriter') return filewriterSource(read, host, given.port?.value)
  return {
    protocol,
    host,
    port: given.port?.value ?? detectorDefaults.rsyncPort,
    module: given.module?.value ?? detectorDefaults.module,
    path: given.path?.value ?? detectorDefaults.path,
    minPause: given.minPause?.value ?? detectorDefaults.minPause,
    interrunPause: given.interrunPause?.value ?? detectorDefaults.interrunPause,
    staging: given.staging?.value ?? detectorDefaults.staging,
    stallTimeout: given.stallTimeout?.value ?? defaults.stallTimeout,
  }
}

/** Whether a key that is needed has no value; says so if it isn't there at all. */
function isMissing(
  { given, wrong }: Detector,
  key: DetectorKey,
  what: string,
  name: string,
  at: FilePosition,
  problems: Problems,
): boolean {
  if (given[key] !== undefined) return false
  if (!wrong.has(key)) problems.add(at, `${name}: ${detectorSpelling[key]} is missing: ${what}`)
  return true
}

/** A key of another protocol would look as if it counted. */
function checkKeys({ given }: Detector, protocol: FurkaSource['protocol'], name: string, problems: Problems): void {
  for (const key of Object.keys(given) as DetectorKey[]) {
    const owners = (Object.keys(keysOfProtocols) as FurkaSource['protocol'][]).filter((candidate) =>
      keysOfProtocols[candidate].includes(key),
    )
    if (owners.length === 0 || owners.includes(protocol)) continue
    const shown = owners.map((owner) => owner.toUpperCase()).join(' and ')
    const what = `${detectorSpelling[key]} is for protocol ${shown}, but this one's is ${protocol.toUpperCase()}`
    problems.add(given[key]?.at, `${name}: ${what}`)
  }
}
