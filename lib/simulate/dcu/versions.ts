/**
 * What differs between the versions of the SIMPLON API, as far as clients meet it.
 *
 * Sources: SPEC16, SPEC18 (SIMPLON API references, `areaDetector/ADEiger` docs/ADEiger/simplon_apireference_v1p6.pdf and
 * …v1p8.pdf); hidra-org/hidra `eventdetectors/http_events.py`: since 1.8.0 the list of files is an object, and `null`
 * instead of an empty list; areaDetector/ADEiger RELEASE.md, R3-2: free space in kilobytes in 1.6.0, in bytes in 1.8.0;
 * dectris/documentation filewriter/README.md: `status/files`, `format` and writing several values at once in 1.8.0.
 * Of 1.5.0 no difference to 1.6.0 is known; the EPU's manual and hidra have URLs with it.
 */

/** The versions that can be simulated. */
export const apiVersions = ['1.5.0', '1.6.0', '1.8.0'] as const

export type ApiVersion = (typeof apiVersions)[number]

/** The traits of a version. */
export interface ApiTraits {
  /** The list of files is `{"value": […]}`; else the bare list. */
  readonly hasWrappedList: boolean
  /** Status values come with `state`, `critical_limits` and so on. */
  readonly hasLongStatus: boolean
  /** There is `filewriter/…/status/files`. */
  readonly hasStatusFiles: boolean
  /** There is `filewriter/…/config/format`; else `…/config/transfer_mode`. */
  readonly hasFormat: boolean
  /** `PUT …/config` with an object sets several values. */
  readonly setsSeveral: boolean
  /** Bytes in the unit of `buffer_free`. */
  readonly bufferUnit: 1 | 1024
}

export function traitsOf(version: ApiVersion): ApiTraits {
  const isNew = version === '1.8.0'
  return {
    hasWrappedList: isNew,
    hasLongStatus: !isNew,
    hasStatusFiles: isNew,
    hasFormat: isNew,
    setsSeveral: isNew,
    bufferUnit: isNew ? 1 : 1024,
  }
}
