/** Configurations of a program, for tests. */
import assert from 'node:assert/strict'
import { SustenError } from 'susten'
import type { Loaded } from '#lib/config/index.js'

interface ConfigTools<C> {
  parse(text: string, name?: string): C
  notesOf(text: string, name?: string): string[]
  /** All that is said against a configuration, without the file's name: `3: type must be …`. */
  errorsOf(content: string | Uint8Array, name?: string): string[]
  /** The error that a wrong configuration ends with. */
  refusalOf(content: string | Uint8Array, name?: string): SustenError
}

/** @param usual The file's name, if none is given. */
export function configTools<C>(
  parseConfig: (bytes: Uint8Array, name: string) => Loaded<C>,
  usual: string,
): ConfigTools<C> {
  function refusalOf(content: string | Uint8Array, name = usual): SustenError {
    try {
      parseConfig(Buffer.from(content), name)
    } catch (error) {
      assert.ok(error instanceof SustenError, String(error))
      assert.equal(error.code, 'ERR_SUSTEN_CONFIG')
      return error
    }
    return assert.fail('the configuration was taken')
  }

  return {
    parse: (text, name = usual) => parseConfig(Buffer.from(text), name).config,
    notesOf: (text, name = usual) => parseConfig(Buffer.from(text), name).notes.map((note) => note.text),
    errorsOf: (content, name = usual) =>
      refusalOf(content, name).failures.map((failure) => failure.message.replace(name, '').replace(/^: ?/, '')),
    refusalOf,
  }
}
