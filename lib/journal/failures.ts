/** What can be wrong with a journal, in words that say what to do. */
import { SustenError } from '../errors.js'
import { FORMAT_VERSION } from './format.js'

/** Part of the log can't be read. */
export function damaged(directory: string, name: string, what: string, cause?: unknown): SustenError {
  const path = `${directory}/${name}`
  return new SustenError(
    `the journal is damaged: '${path}' ${what}. Restore the directory from a backup; or move it away, begin a new one ` +
      "and let a scan of the source find the files again ('susten journal dump --salvage' prints what can be read)",
    { code: 'ERR_SUSTEN_JOURNAL', path, cause },
  )
}

export function unknownVersion(directory: string, name: string, version: number): SustenError {
  const path = `${directory}/${name}`
  return new SustenError(
    `the journal '${directory}' has format ${version}, and this version of susten reads format ${FORMAT_VERSION}: ` +
      'use the version of susten that wrote it, or begin a new journal in another directory',
    { code: 'ERR_SUSTEN_JOURNAL_VERSION', path },
  )
}

export function notAJournal(directory: string, found: string): SustenError {
  return new SustenError(
    `'${directory}' is not a journal, and not empty (there is '${found}'): give an empty or a new directory`,
    { code: 'ERR_SUSTEN_OPTION', path: directory },
  )
}

export function noJournal(directory: string): SustenError {
  return new SustenError(`there is no journal in '${directory}'`, {
    code: 'ENOENT',
    errno: -2,
    syscall: 'open',
    path: directory,
  })
}

export function isClosed(directory: string): SustenError {
  return new SustenError(`the journal '${directory}' is closed`, { code: 'ERR_SUSTEN_CLOSED', path: directory })
}

export function isReadOnly(directory: string): SustenError {
  return new SustenError(`the journal '${directory}' was opened read-only`, {
    code: 'EROFS',
    errno: -30,
    path: directory,
  })
}

/** A mistake of this library's own. */
export function unexpected(cause: unknown): SustenError {
  const what = cause instanceof Error ? cause.message : String(cause)
  return new SustenError(`the journal stopped by an internal error: ${what}`, { code: 'ERR_SUSTEN_JOURNAL', cause })
}
