/** FURKA-EPU's form: JSON, one detector with a filewriter. */
import type { Problems, RawConfig } from '../../config/index.js'
import { type ClashWords, clashesOf } from './clashes.js'
import { buildCommon, checkCommon, journalOf } from './common.js'
import { checkPolling, filewriterSource } from './filewriter.js'
import { detectorSpelling, epuDefaults, epuKinds, epuSpelling } from './keys.js'
import { readSpelled } from './spelled.js'
import type { FurkaConfig, FurkaDetector } from './types.js'

/** What the one detector is called. */
const EIGER = 'EIGER'

/** @throws SustenError `ERR_SUSTEN_CONFIG` with all that is wrong */
export function completeEpu(raw: RawConfig, problems: Problems): FurkaConfig {
  const section = readSpelled(raw.globals, epuKinds, epuSpelling, { prefix: '', misplaced }, problems)
  const { given, wrong } = section
  checkCommon(section, epuDefaults, problems)
  checkPolling(section, '', problems)
  if (given.host === undefined && !wrong.has('host')) {
    problems.add(undefined, `${epuSpelling.host} is missing: ${epuKinds.host.allowed}`)
  }
  const { host, port } = given.host?.value ?? { host: '', port: undefined }
  const target = given.target?.value ?? epuDefaults.target
  const detectors: FurkaDetector[] = [{ id: EIGER, source: filewriterSource(section, host, port), target }]
  const common = buildCommon(section, epuDefaults)
  const { requiredMount } = common
  if (!wrong.has('target')) {
    const journalDirectory = journalOf(section, epuDefaults)
    const words: ClashWords = { ...epuSpelling, isDefault: (name) => given[name] === undefined }
    for (const clash of clashesOf({ detectors, requiredMount, journalDirectory }, words)) {
      const other = clash.with === undefined ? undefined : given[clash.with]
      problems.add((given.target ?? other)?.at, clash.what)
    }
  }
  problems.check()
  return { ...common, detectors }
}

/** The server's key in the other form. */
function misplaced(key: string): string | undefined {
  if (key !== detectorSpelling.host) return undefined
  return `${key} is a key of the form with sections; in JSON the server is ${epuSpelling.host}`
}
