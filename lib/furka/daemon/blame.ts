/** Says which key of the configuration an error of opening a Furka is about: told by the file that it names. */
import { textOfBytes } from '../../bytes.js'
import { blamedOn } from '../../daemon/index.js'
import { SustenError } from '../../errors.js'
import { isWithin } from '../../paths.js'
import { type FurkaConfig, type LoadedFurkaConfig, spellingOf } from '../config/index.js'
import { receivingPlace } from '../detectors.js'

export function blamed({ config, form }: Pick<LoadedFurkaConfig, 'config' | 'form'>, error: unknown): unknown {
  return error instanceof SustenError ? blamedOn(keyOf(config, spellingOf(form), error), error) : error
}

function keyOf(
  { journalDirectory, requiredMount, detectors }: FurkaConfig,
  spelling: ReturnType<typeof spellingOf>,
  { code, path = '' }: SustenError,
): string | undefined {
  if (code.startsWith('ERR_SUSTEN_JOURNAL') || isWithin(journalDirectory, path)) return spelling.journalDirectory
  if (path === requiredMount) return spelling.requiredMount
  return detectors.some(({ target }) => isWithin(textOfBytes(receivingPlace(target, '').root), path))
    ? spelling.target
    : undefined
}
