/** Configurations of Grimsel, for tests. */
import assert from 'node:assert/strict'
import { SustenError } from 'susten'
import { type GrimselConfig, parseConfig } from '#lib/grimsel/config/index.js'

/** The least that is a configuration. */
export const least = 'storageID disk\ntype INTERNAL\ntarget /data\n'

export const leastJson = (): Record<string, unknown> => ({
  storages: [{ storageID: 'disk', type: 'INTERNAL', target: '/data' }],
})

export const parse = (text: string, name = 'grimsel.conf'): GrimselConfig => parseConfig(Buffer.from(text), name).config

export const notesOf = (text: string, name = 'grimsel.conf'): string[] =>
  parseConfig(Buffer.from(text), name).notes.map((note) => note.text)

/** All that is said against a configuration, without the file's name: `3: type must be …`. */
export function errorsOf(content: string | Uint8Array, name = 'grimsel.conf'): string[] {
  const error = refusalOf(content, name)
  return error.failures.map((failure) => failure.message.replace(name, '').replace(/^: ?/, ''))
}

/** The error that a wrong configuration ends with. */
export function refusalOf(content: string | Uint8Array, name = 'grimsel.conf'): SustenError {
  try {
    parseConfig(Buffer.from(content), name)
  } catch (error) {
    assert.ok(error instanceof SustenError, String(error))
    assert.equal(error.code, 'ERR_SUSTEN_CONFIG')
    return error
  }
  return assert.fail('the configuration was taken')
}
