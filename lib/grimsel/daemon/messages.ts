/** From a Grimsel's messages to those of the message port. */
import { type ByteString, bufferOfBytes, bytesOfBuffer, bytesOfText, textOfBytes } from '../../bytes.js'
import type { MirrorMessage } from '../../mirror/index.js'
import type { GrimselConfig } from '../config/index.js'
import { type Message, type MessageName, messageCodes } from '../ports/index.js'

/** Undefined where the port has no such message: those are for the log. */
export function portMessage(config: GrimselConfig, message: MirrorMessage): Message | undefined {
  const { code, text, last, count, storage } = message
  if (!isPublished(code)) return undefined
  return {
    name: code,
    shortmessage: code === 'COPY_ERROR' ? parted(config, message) : (message.subjectBytes ?? message.subject),
    longmessage: text,
    time: last,
    count,
    ...(storage === undefined ? {} : { storage }),
  }
}

const isPublished = (code: string): code is MessageName => Object.hasOwn(messageCodes, code)

/**
 * Both paths of `source:destination`. Names may have colons of their own: the one that parts them is followed by the
 * storage's target, and then by what the source ends with.
 */
function parted(config: GrimselConfig, { subject, subjectBytes, storage: id }: MirrorMessage): Message['shortmessage'] {
  const target = config.storages.find((storage) => storage.id === id)?.target.replace('/./', '/')
  if (target === undefined) return subjectBytes ?? subject
  const prefix = bytesOfText(target.endsWith('/') ? target : `${target}/`)
  const bytes = subjectBytes === undefined ? bytesOfText(subject) : bytesOfBuffer(subjectBytes)
  const shown = subjectBytes === undefined ? textOfBytes : bufferOfBytes
  for (let at = bytes.indexOf(':'); at >= 0; at = bytes.indexOf(':', at + 1)) {
    const [source, dest] = [bytes.slice(0, at), bytes.slice(at + 1)] as [ByteString, ByteString]
    if (!dest.startsWith(prefix) || !source.endsWith(`/${dest.slice(prefix.length)}`)) continue
    return { source: shown(source), dest: shown(dest) }
  }
  return subjectBytes ?? subject
}
