/**
 * The file writer: its configuration and status. Its files are in {@link FileStore}.
 * Source: SPEC16, SPEC18; dectris/documentation filewriter/README.md, "SIMPLON Configuration Parameters";
 * MaxIV-KitsControls `dectris_eiger/filewriter.py` for 1.0.0 … 1.6.0.
 */
import type { EigerFormat } from '../series.js'
import type { FileStore } from './files.js'
import { createParameters, type Parameter, type Parameters, timeText } from './parameters.js'
import { bufferUnits, type DcuSettings } from './settings.js'

/** The API's names of the formats. */
const formats: Readonly<Record<EigerFormat, string>> = {
  legacy: 'hdf5 nexus legacy nxmx',
  'v2024.2': 'hdf5 nexus v2024.2 nxmx',
}

export function filewriterConfig(settings: DcuSettings): Parameters {
  const mode = settings.ready ? 'enabled' : 'disabled'
  return createParameters({
    compression_enabled: { type: 'bool', access: 'rw', value: settings.compressionRatio > 1 },
    ...(settings.traits.hasFormat && {
      format: { type: 'string', access: 'rw', allowed: Object.values(formats), value: formats[settings.format] },
    }),
    image_nr_start: { type: 'uint', access: 'rw', min: 0, max: 999_999, value: 1 },
    mode: { type: 'string', access: 'rw', allowed: ['disabled', 'enabled'], value: mode },
    name_pattern: { type: 'string', access: 'rw', value: settings.namePattern },
    nimages_per_file: { type: 'uint', access: 'rw', min: 0, max: 999_999, value: settings.imagesPerFile },
    ...(!settings.traits.hasFormat && {
      transfer_mode: { type: 'string', access: 'rw', allowed: ['http'], value: 'http' },
    }),
  })
}

/** The format that is configured. */
export function formatOf(config: Parameters): EigerFormat {
  return config.text('format') === formats['v2024.2'] ? 'v2024.2' : 'legacy'
}

/** What status values are made of. */
export interface FilewriterState {
  readonly config: Parameters
  readonly store: FileStore
  /** A series is armed, with files. */
  readonly isBusy: boolean
  readonly names: () => string[]
}

type Status = Omit<Parameter, 'access'>

/** Names of the status values. */
export function filewriterStatusNames({ traits }: DcuSettings): string[] {
  return ['buffer_free', 'error', ...(traits.hasStatusFiles ? ['files'] : []), 'state', 'time']
}

/** A status value; undefined if there is none of that name. */
export function filewriterStatus(settings: DcuSettings, state: FilewriterState, name: string): Status | undefined {
  if (!filewriterStatusNames(settings).includes(name)) return undefined
  if (name === 'buffer_free') return bufferFree(settings, state.store.free)
  if (name === 'error') return { type: 'string[]', value: state.store.free === 0 ? ['buffer_free'] : [] }
  if (name === 'files') return { type: 'string[]', value: filesValue(settings, state.names()) }
  if (name === 'time') return { type: 'string', value: timeText(new Date()) }
  const mode = state.config.text('mode')
  return { type: 'string', value: mode === 'disabled' ? 'disabled' : state.isBusy ? 'acquire' : 'ready' }
}

/** In 1.8.0 an empty list can be `null`. */
export function filesValue({ traits, emptyIsNull }: DcuSettings, names: string[]): string[] | null {
  return traits.hasWrappedList && emptyIsNull && names.length === 0 ? null : names
}

function bufferFree({ bufferUnit, traits }: DcuSettings, free: number): Status {
  const value = Math.floor(free / (bufferUnits[bufferUnit] ?? traits.bufferUnit))
  return { type: 'uint', ...(bufferUnit !== '' && { unit: bufferUnit }), value }
}
