/** What Grimsel's control socket can be asked to do besides what all daemons can: docs/PROTOCOLS.md describes each. */
import { Buffer } from 'node:buffer'
import { type ByteString, textOfBytes } from '../../bytes.js'
import type { JsonText, Method } from '../../control/index.js'
import type { FailedFile } from '../../mirror/index.js'
import type { Grimsel, User } from '../types.js'
import type { RefusedPath } from './announce.js'
import { checkAccept, checkFilter, checkPaths, checkSought, checkStorage, checkUser } from './params.js'

/** What the methods work on. */
export interface Subject {
  /** @throws SustenError `ERR_SUSTEN_CLOSED` while it starts or stops */
  grimsel(): Grimsel
  announce(paths: readonly ByteString[]): Promise<readonly RefusedPath[]>
  find(paths: readonly ByteString[]): Promise<JsonText>
  /** Notes in the log what somebody asked for. */
  note(method: string, uid: number, fields: object): void
}

/** Refused paths that an answer names; the others are counted. */
const mostNamed = 100

export function methodsOf(subject: Subject): Readonly<Record<string, Method>> {
  return {
    add: {
      async call(params) {
        const paths = checkPaths('add', params)
        const refused = await subject.announce(paths)
        return {
          added: paths.length - refused.length,
          refused: refused.length,
          reasons: refused.slice(0, mostNamed).map(({ path, error }) => {
            const { code, message } = error
            return { ...named('path', path), code, message }
          }),
        }
      },
    },
    find: { call: (params) => subject.find(checkSought(params)) },
    shift: {
      async call(params, { caller }) {
        const user: User = checkUser(params)
        const shift = await subject.grimsel().changeUser(user)
        subject.note('shift', caller.uid, { shift, ...user })
        return { shift }
      },
    },
    failures: { stream: (params) => failures(subject, params) },
    retry: {
      async call(params, { caller }) {
        const filter = checkFilter('retry', params)
        const retried = await subject.grimsel().retry(filter)
        subject.note('retry', caller.uid, { retried, storage: filter.storage })
        return { retried }
      },
    },
    dismiss: {
      async call(params, { caller }) {
        const filter = checkFilter('dismiss', params)
        const dismissed = await subject.grimsel().dismiss(filter)
        subject.note('dismiss', caller.uid, { dismissed, storage: filter.storage })
        return { dismissed }
      },
    },
    pause: { call: (params, { caller }) => setPaused('pause', params, caller.uid) },
    resume: { call: (params, { caller }) => setPaused('resume', params, caller.uid) },
    accept: {
      async call(params, { caller }) {
        const { storage, recopy } = checkAccept(params)
        await subject.grimsel().acceptStorage(storage, { recopy })
        subject.note('accept', caller.uid, { storage, recopy })
        return {}
      },
    },
  }

  function setPaused(method: 'pause' | 'resume', params: unknown, uid: number): object {
    const storage = checkStorage(method, params)
    subject.grimsel()[method](storage)
    subject.note(method, uid, { storage })
    return {}
  }
}

async function* failures(subject: Subject, params: unknown): AsyncGenerator<object> {
  for await (const failed of subject.grimsel().failures(checkFilter('failures', params))) yield wireFailure(failed)
}

/** A failed file as JSON has it: bytes in Base64. */
function wireFailure({ storage, path, pathBytes, dest, destBytes, attempts, error }: FailedFile): object {
  const { code, errno, syscall, message } = error
  return {
    storage,
    path,
    ...(pathBytes === undefined ? {} : { pathBase64: Buffer.from(pathBytes).toString('base64') }),
    dest,
    ...(destBytes === undefined ? {} : { destBase64: Buffer.from(destBytes).toString('base64') }),
    attempts,
    error: { code, errno, syscall, message },
  }
}

/** A path as text, and in Base64 where that doesn't tell it. */
function named(key: string, path: ByteString): object {
  const text = textOfBytes(path)
  if (!text.includes('\ufffd')) return { [key]: text }
  return { [key]: text, [`${key}Base64`]: Buffer.from(path, 'latin1').toString('base64') }
}
