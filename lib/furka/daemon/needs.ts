/** What must be there before Furka begins. */
import { bytesOfText, textOfBytes } from '../../bytes.js'
import { quoted } from '../../config/index.js'
import { checkNeeds, type NeededDirectory } from '../../daemon/index.js'
import { isWithin } from '../../paths.js'
import { checkStagingPlace } from '../../source/rsync/index.js'
import { type FurkaDetector, type LoadedFurkaConfig, spellingOf } from '../config/index.js'
import { changeDetectors, parseDetector, receivingPlace } from '../detectors.js'

/**
 * Looks whether all is there that Furka needs to begin.
 * @param given What `-d` gives.
 * @throws SustenError what is missing, with the key of the file; `ERR_SUSTEN_OPTION`: `-d` doesn't go with the file
 */
export async function checkFurka(loaded: LoadedFurkaConfig, given: readonly string[]): Promise<void> {
  const changes = given.map(parseDetector)
  const { detectors, requiredMount, logfile, controlSocket } = changeDetectors(loaded.config, changes)
  const spelling = spellingOf(loaded.form)
  const mount = requiredMount === undefined ? undefined : { key: spelling.requiredMount, path: requiredMount }
  const keyOf = ({ id }: FurkaDetector): string =>
    loaded.form === 'json' ? spelling.target : `detector ${quoted(id)}: ${spelling.target}`
  /** Detectors may share them. */
  const looked = new Set<string>()
  await checkNeeds({
    directories: detectors.map((detector): NeededDirectory => {
      const isGiven = changes.some(({ id, target }) => id === detector.id && target !== undefined)
      const path = textOfBytes(receivingPlace(detector.target, '').root)
      return { key: keyOf(detector), path, mount, isWritten: true, by: isGiven ? '-d' : undefined }
    }),
    made: detectors.flatMap(({ id, source }) => {
      if (source.protocol !== 'rsync' || looked.has(source.staging)) return []
      looked.add(source.staging)
      const isMeant = mount !== undefined && isWithin(mount.path, source.staging)
      return {
        key: `detector ${quoted(id)}`,
        mount: isMeant ? mount : undefined,
        check: () => checkStagingPlace(bytesOfText(source.staging)),
      }
    }),
    files: [
      { key: spelling.controlSocket, path: controlSocket },
      { key: spelling.logfile, path: logfile },
    ],
  })
}
