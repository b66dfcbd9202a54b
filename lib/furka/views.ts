/** From the core's notices to what users are told. */
import { type ByteString, bufferOfBytes, textOfBytes } from '../bytes.js'
import type { FileRecord, Here, Notice } from './core/index.js'
import { printable } from './printable.js'
import type { AnnouncedFile, FurkaMessage, ReceivedFile, RemovedFile, UserChanged } from './types.js'

type Of<T extends Notice['type']> = Extract<Notice, { type: T }>

export function receivedFile({ record, outcome, user }: Of<'received'>): ReceivedFile {
  const { size, digest, received, version } = record.here
  return {
    type: 'received',
    ...fileOf(record, record.here.path),
    outcome,
    size,
    digest,
    ...(version === undefined ? {} : { version: textOfBytes(version) }),
    uid: user.uid,
    gid: user.gid,
    received,
  }
}

export const announcedFile = ({ record, at }: Of<'announced'>): AnnouncedFile => ({
  type: 'announced',
  ...fileOf(record, record.here.path),
  announced: at,
})

export const removedFile = ({ record, outcome }: Of<'removed'>): RemovedFile => ({
  type: 'removed',
  ...fileOf(record, record.here?.path ?? ('' as ByteString)),
  outcome,
})

export function userChanged({ turn: { number, user } }: Of<'userChanged'>): UserChanged {
  return { type: 'userChanged', turn: number, ...user }
}

export function messageView({ message }: Of<'message'>): FurkaMessage {
  const { code, severity, source, subject, text, count, first, last } = message
  const about = source === undefined ? {} : { source }
  return {
    type: 'message',
    code,
    severity,
    ...about,
    subject: printable(subject),
    text: printable(text),
    count,
    first,
    last,
  }
}

function fileOf({ source, offer: { name, seen } }: FileRecord, path: Here['path']) {
  const text = textOfBytes(path)
  return { source, name, path: text, ...(text.includes('\ufffd') ? { pathBytes: bufferOfBytes(path) } : {}), seen }
}
