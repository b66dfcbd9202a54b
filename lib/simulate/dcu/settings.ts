/** Completes and checks the options of a simulated detector server. */
import { inspect } from 'node:util'
import { checkBoolean, checkInteger, checkNames, checkWord, optionError } from '../../options.js'
import { type Detector, eiger } from '../detector.js'
import type { Experiment } from '../diffraction.js'
import { describeSeries } from '../series.js'
import { checkFault } from './fault-check.js'
import type { Fault } from './fault-types.js'
import type { TlsFiles } from './listener.js'
import type { Maker } from './maker.js'
import type { DcuOptions } from './types.js'
import { type ApiTraits, apiVersions, traitsOf } from './versions.js'

/** Complete {@link DcuOptions}. */
export interface DcuSettings
  extends Required<Omit<DcuOptions, 'adminPort' | 'digests' | 'experiment' | 'faults' | 'maker' | 'tls'>> {
  readonly adminPort: number | undefined
  readonly digests: string | undefined
  readonly maker: Maker | undefined
  readonly tls: TlsFiles | undefined
  readonly experiment: Experiment
  readonly faults: readonly Fault[]
  readonly traits: ApiTraits
}

const names = [
  'version',
  'host',
  'port',
  'adminPort',
  'tls',
  'detector',
  'experiment',
  'images',
  'triggers',
  'imagesPerFile',
  'namePattern',
  'format',
  'compressionRatio',
  'variety',
  'memory',
  'bufferUnit',
  'emptyIsNull',
  'ranges',
  'ready',
  'seed',
  'digests',
  'maker',
  'faults',
  'maxRequests',
] as const

/** Units of `buffer_free`, in bytes. */
export const bufferUnits: Readonly<Record<string, number>> = { B: 1, KB: 1024, MB: 1024 ** 2 }

const MOST_IMAGES = 999_999
const GIB = 1024 ** 3

/** @throws SustenError `ERR_SUSTEN_OPTION` */
export function checkSettings(options: DcuOptions): DcuSettings {
  checkNames('simulateDcu', options, names)
  const version = checkWord('version', options.version ?? '1.8.0', apiVersions)
  const traits = traitsOf(version)
  const detector: Detector = options.detector ?? eiger()
  const seed = checkInteger('seed', options.seed ?? 1, 0, 2 ** 32 - 1)
  const { experiment } = describeSeries({
    detector,
    name: '',
    images: 1,
    ...(options.experiment && { experiment: options.experiment }),
  })
  const format = checkWord('format', options.format ?? 'legacy', ['legacy', 'v2024.2'])
  if (format !== 'legacy' && !traits.hasFormat) {
    throw optionError(`option 'format' can only be 'legacy' in version ${version}`)
  }
  if (options.maker !== undefined && options.digests !== undefined) {
    throw optionError("option 'digests' is the maker's, if there is one")
  }
  const digests = options.maker?.digests ?? options.digests
  const bufferUnit = options.bufferUnit ?? (traits.bufferUnit === 1 ? 'B' : '')
  return {
    version,
    traits,
    host: checkText('host', options.host ?? '127.0.0.1'),
    port: checkInteger('port', options.port ?? 0, 0, 65_535),
    adminPort: options.adminPort === undefined ? undefined : checkInteger('adminPort', options.adminPort, 0, 65_535),
    detector,
    experiment,
    images: checkInteger('images', options.images ?? 1, 1, MOST_IMAGES),
    triggers: checkInteger('triggers', options.triggers ?? 1, 1, MOST_IMAGES),
    imagesPerFile: checkInteger('imagesPerFile', options.imagesPerFile ?? 1000, 0, MOST_IMAGES),
    namePattern: checkText('namePattern', options.namePattern ?? 'series_$id'),
    format,
    compressionRatio: checkRatio(options.compressionRatio ?? 1),
    variety: checkInteger('variety', options.variety ?? 0, 0, MOST_IMAGES),
    memory: checkInteger('memory', options.memory ?? GIB, 1, Number.MAX_SAFE_INTEGER),
    bufferUnit: checkWord('bufferUnit', bufferUnit, ['', ...Object.keys(bufferUnits)]),
    emptyIsNull: checkBoolean('emptyIsNull', options.emptyIsNull ?? true),
    ranges: checkBoolean('ranges', options.ranges ?? true),
    ready: checkBoolean('ready', options.ready ?? true),
    seed,
    digests: digests === undefined ? undefined : checkText('digests', digests),
    maker: options.maker,
    tls: options.tls,
    faults: (options.faults ?? []).map((fault, index) => checkFault(`option 'faults', item ${index + 1}`, fault)),
    maxRequests: checkInteger('maxRequests', options.maxRequests ?? 100_000, 0, 10_000_000),
  }
}

function checkText(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw optionError(`option '${name}' must be text, not ${inspect(value)}`)
}

function checkRatio(value: unknown): number {
  if (typeof value === 'number' && value >= 1 && value <= 100) return value
  throw optionError(`option 'compressionRatio' must be a number from 1 to 100, not ${inspect(value)}`)
}
