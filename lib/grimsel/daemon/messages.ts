/** From a Grimsel's messages to those of the message port. */
import type { MirrorMessage } from '../../mirror/index.js'
import type { GrimselConfig } from '../config/index.js'
import { type CopyPaths, type Message, type MessageName, messageCodes } from '../ports/index.js'

/** Undefined where the port has no such message: those are for the log. */
export function portMessage(config: GrimselConfig, message: MirrorMessage): Message | undefined {
  const { code, subject, text, last, count, storage } = message
  if (!isPublished(code)) return undefined
  return {
    name: code,
    shortmessage: code === 'COPY_ERROR' ? parted(config, subject, storage) : subject,
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
function parted(config: GrimselConfig, subject: string, id: string | undefined): string | CopyPaths {
  const target = config.storages.find((storage) => storage.id === id)?.target.replace('/./', '/')
  if (target === undefined) return subject
  const prefix = target.endsWith('/') ? target : `${target}/`
  for (let at = subject.indexOf(':'); at >= 0; at = subject.indexOf(':', at + 1)) {
    const [source, dest] = [subject.slice(0, at), subject.slice(at + 1)]
    if (dest.startsWith(prefix) && source.endsWith(`/${dest.slice(prefix.length)}`)) return { source, dest }
  }
  return subject
}
