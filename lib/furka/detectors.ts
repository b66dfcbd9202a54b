/** Where detectors' files come from and go to: `-d detID:source:target`, and a user's place below a target. */
import { bytesOfText } from '../bytes.js'
import { isRefusal, path, quoted } from '../config/index.js'
import { optionError } from '../options.js'
import { parseTarget, type Target } from '../storage/target.js'
import { clashesOf, type FurkaConfig, type FurkaDetector, frozen, plainWords } from './config/index.js'
import { placeOf } from './place.js'

/** What is another than in the configuration. */
export interface DetectorChange {
  /** The `detectorID`. */
  readonly id: string
  /** Absolute: in the rsync module, or on this machine. */
  readonly source?: string | undefined
  /** Absolute, in its plainest form, but for one `/./`. */
  readonly target?: string | undefined
}

const source = path()
const target = path({ marker: true })

/**
 * Reads the value of `-d`: `detID:[source]:[target]`, at least one of the two given.
 * @throws SustenError `ERR_SUSTEN_OPTION`
 */
export function parseDetector(text: string): DetectorChange {
  const [, id, from, to] = /^([^:]*)(?::([^:]*)(?::(.*))?)?$/s.exec(text) ?? []
  if (!id) throw wrong(text, 'it must begin with the detectorID')
  if (!from && !to) throw wrong(text, 'it changes nothing')
  return {
    id,
    ...(from ? { source: pathOf(text, 'source', from) } : {}),
    ...(to ? { target: pathOf(text, 'target', to) } : {}),
  }
}

/**
 * The configuration with other sources or targets. It is looked at anew whether they get along.
 * @throws SustenError `ERR_SUSTEN_OPTION`: no such detector, one that is named twice, one whose files have no directory,
 *   or places that don't get along
 */
export function changeDetectors(config: FurkaConfig, changes: readonly DetectorChange[]): FurkaConfig {
  const byId = new Map(changes.map((change) => [change.id, change]))
  for (const change of changes) {
    if (byId.get(change.id) !== change) throw optionError(`detector ${quoted(change.id)} is given twice`)
    if (config.detectors.some(({ id }) => id === change.id)) continue
    const known = config.detectors.map(({ id }) => quoted(id)).join(', ')
    throw optionError(`there is no detector ${quoted(change.id)}; known are ${known}`)
  }
  const detectors = config.detectors.map((detector) => changed(detector, byId.get(detector.id)))
  const [clash] = clashesOf({ ...config, detectors }, plainWords)
  if (clash !== undefined) {
    throw optionError(`detector ${quoted(detectors[clash.detector]?.id ?? '')}: ${clash.what}`)
  }
  return frozen({ ...config, detectors })
}

function changed(detector: FurkaDetector, change: DetectorChange | undefined): FurkaDetector {
  if (change === undefined) return detector
  const other = { ...detector, target: change.target ?? detector.target }
  if (change.source === undefined) return other
  if (detector.source.protocol === 'filewriter') {
    throw optionError(`detector ${quoted(detector.id)} has no source to choose: its filewriter lists all files`)
  }
  return { ...other, source: { ...detector.source, path: change.source } }
}

/**
 * Where a user's files go: below a target's `/./`, or below all of it, so that Grimsel replicates the user directory.
 * @param userDirectory As `resolveUser` gives it: relative, plain, maybe empty.
 */
export function receivingPlace(target: string, userDirectory: string): Target {
  return placeOf(parseTarget('target', bytesOfText(target)), userDirectory)
}

function pathOf(text: string, name: string, value: string): string {
  const read = (name === 'source' ? source : target).read({ form: 'text', text: value, hasComment: false })
  if (isRefusal(read)) throw wrong(text, `the ${name} ${read.refused}`)
  return read
}

const wrong = (text: string, why: string): Error =>
  optionError(`detector ${quoted(text)}: ${why}; ID:[SOURCE]:[TARGET] is taken, as '1MF:/:/ramdisk/./1mf'`)
