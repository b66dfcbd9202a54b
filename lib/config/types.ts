/** What reading a configuration gives. */
import type { FilePosition } from '../errors.js'

/** Something that is no error, but worth a line in the log. */
export interface ConfigNote {
  readonly position: FilePosition | undefined
  /** With file and line: `/etc/grimsel_dectris.conf:7: note: licensekey is ignored: …` */
  readonly text: string
}

/** A configuration and what is to be said about it. */
export interface Loaded<C> {
  /** The vendor's lines, or JSON. */
  readonly form: 'conf' | 'json'
  readonly config: C
  readonly notes: readonly ConfigNote[]
}
