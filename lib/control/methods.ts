/** What a control socket can be asked to do. */
import type { Peer } from './peer.js'

/** Who asks, and for how long. */
export interface CallContext {
  readonly caller: Peer
  /**
   * Aborts when nobody wants the answer any more: the connection is broken, or the server closes. A caller that has ended
   * its side ends its streams; a call may still be waited for, and goes on.
   */
  readonly signal: AbortSignal
}

/**
 * A method: `call` answers once, `stream` many times until it ends or the caller goes. Answers must be JSON, or
 * a call's {@link JsonText}. What either throws goes to the caller, with `code`, `errno`, `syscall`, `path` and `dest`.
 *
 * `params` come from outside: they may be anything that JSON can say.
 */
export type Method =
  | { readonly call: (params: unknown, context: CallContext) => unknown }
  | { readonly stream: (params: unknown, context: CallContext) => AsyncIterable<unknown> }
