/** Digests by whatever implementation the caller names: the simulation shares none with what it tests. */
import type { Buffer } from 'node:buffer'

/** Computes a file's digest from its bytes. */
export type Digester = (bytes: Buffer) => string

/**
 * A thread can be handed no function: it loads the module that has it.
 * @param module URL of a module that exports a {@link Digester} as `digestOf`.
 * @param otherwise Used if no module is given.
 */
export async function loadDigester(module: string | undefined, otherwise: Digester): Promise<Digester> {
  if (module === undefined) return otherwise
  const { digestOf } = (await import(module)) as { readonly digestOf: Digester }
  return digestOf
}
