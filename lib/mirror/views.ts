/** From the core's notices to what users are told. */
import { type ByteString, bufferOfBytes, textOfBytes } from '../bytes.js'
import type { Failure, Message, Notice } from '../core/index.js'
import { fromNative } from '../errors.js'
import { join } from '../storage/index.js'
import type { CopiedFile, FailedFile, FilePaths, MirrorMessage } from './types.js'

type Of<T extends Notice['type']> = Extract<Notice, { type: T }>

/** Where files are and go. */
export interface Geography {
  readonly source: ByteString
  /** Targets by storage id. */
  readonly targets: ReadonlyMap<string, ByteString>
}

export function copiedFile(where: Geography, notice: Of<'copied'>): CopiedFile {
  const { outcome, bytes, size, digest, version, announced, at: copied } = notice
  const { storage, path, dest, pathBytes, destBytes } = filePaths(where, notice)
  const type = 'copied'
  // The usual case as one plain object: this is done for every copy.
  if (version === undefined && pathBytes === undefined && destBytes === undefined && digest !== undefined) {
    return { type, storage, path, dest, outcome, size, bytes, digest, announced, copied }
  }
  const target = where.targets.get(storage) ?? ('' as ByteString)
  return {
    type,
    storage,
    path,
    ...(pathBytes === undefined ? {} : { pathBytes }),
    dest,
    ...(destBytes === undefined ? {} : { destBytes }),
    outcome,
    size,
    bytes,
    ...(digest === undefined ? {} : { digest }),
    ...(version === undefined ? {} : { version: textOfBytes(join(target, version)) }),
    announced,
    copied,
  }
}

export function failedFile(
  where: Geography,
  file: { storage: string; path: ByteString; cut: number; failure: Failure; attempts: number },
): FailedFile {
  return { type: 'failed', ...filePaths(where, file), error: fromNative(file.failure), attempts: file.attempts }
}

export function messageView(message: Message): MirrorMessage {
  const { storage, subject, ...rest } = message
  const text = textOfBytes(subject)
  return {
    type: 'message',
    ...rest,
    ...(storage === undefined ? {} : { storage }),
    subject: text,
    ...(text.includes('\ufffd') ? { subjectBytes: bufferOfBytes(subject) } : {}),
  }
}

function filePaths(where: Geography, file: { storage: string; path: ByteString; cut: number }): FilePaths {
  const { storage } = file
  const target = where.targets.get(storage) ?? ('' as ByteString)
  const source = join(where.source, file.path)
  const copy = join(target, file.cut === 0 ? file.path : file.path.slice(file.cut))
  const path = textOfBytes(source)
  const dest = textOfBytes(copy)
  // ASCII is told as it is: nothing in it could be lost.
  if (path === source && dest === copy) return { storage, path, dest }
  return {
    storage,
    path,
    ...(path.includes('\ufffd') ? { pathBytes: bufferOfBytes(source) } : {}),
    dest,
    ...(dest.includes('\ufffd') ? { destBytes: bufferOfBytes(copy) } : {}),
  }
}
