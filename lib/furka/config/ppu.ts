/** FURKA's form for the PPU: lines, detectors in sections. */
import type { Problems, RawConfig } from '../../config/index.js'
import { type ClashWords, clashesOf, type KnownDetector } from './clashes.js'
import { buildCommon, checkCommon, journalOf } from './common.js'
import { readDetectors } from './detectors.js'
import { detectorSpelling, epuSpelling, ppuDefaults, ppuKinds, ppuSpelling } from './keys.js'
import { readSpelled } from './spelled.js'
import type { FurkaConfig, FurkaDetector } from './types.js'

const detectorKeys: readonly string[] = Object.values(detectorSpelling)

/** The vendor's keys of the other form that are called otherwise here, in a detector's section. */
const counterparts: Readonly<Record<string, string>> = {
  [epuSpelling.host]: detectorSpelling.host,
  [epuSpelling.target]: detectorSpelling.target,
}

/** @throws SustenError `ERR_SUSTEN_CONFIG` with all that is wrong */
export function completePpu(raw: RawConfig, problems: Problems): FurkaConfig {
  const section = readSpelled(raw.globals, ppuKinds, ppuSpelling, { prefix: '', misplaced }, problems)
  const { given } = section
  checkCommon(section, ppuDefaults, problems)
  const placed = readDetectors(raw.sections, problems)
  const detectors = placed.map(({ detector }) => detector)
  const common = buildCommon(section, ppuDefaults)
  const { requiredMount } = common
  const journalDirectory = journalOf(section, ppuDefaults)
  const words: ClashWords = {
    ...ppuSpelling,
    target: detectorSpelling.target,
    isDefault: (name, index) =>
      name === 'target' ? placed[index]?.hasTarget === false : section.given[name] === undefined,
  }
  for (const { detector, what } of clashesOf({ detectors, requiredMount, journalDirectory }, words)) {
    const one = placed[detector]
    problems.add(one?.at, `${one?.name}: ${what}`)
  }
  if (raw.sections.length === 0) {
    problems.add(undefined, `there is no detector; at least one section '${detectorSpelling.id} NAME' is needed`)
  }
  if (given.licensekey) problems.note(given.licensekey.at, 'licensekey is ignored: none is needed')
  problems.check()
  return { ...common, detectors: detectors.filter(isWhole) }
}

/** All are, once nothing is wrong. */
const isWhole = (detector: KnownDetector): detector is FurkaDetector =>
  detector.id !== undefined && detector.source !== undefined && detector.target !== undefined

function misplaced(key: string): string | undefined {
  if (detectorKeys.includes(key)) return `${key} is a key of a detector; move it below its ${detectorSpelling.id}`
  const here = Object.hasOwn(counterparts, key) ? counterparts[key] : undefined
  return here && `${key} is a key of the JSON form; here it is ${here}, below a ${detectorSpelling.id}`
}
