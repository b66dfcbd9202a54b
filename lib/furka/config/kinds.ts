/** The kinds of values that only Furka's configuration has. */
import { isIP, isIPv4, isIPv6 } from 'node:net'
import { defineKind, isRefusal, type Kind, type Refusal, refusal, textOf } from '../../config/index.js'
import { plainUserDirectory } from '../../user/index.js'

/** A server's name, and its port if one is given. */
export interface HostAndPort {
  readonly host: string
  readonly port: number | undefined
}

/** A host name or an IP address. */
export function host(): Kind<string> {
  const checked = (text: string): string | Refusal | undefined =>
    isHost(text) ? text : (withoutScheme(text) ?? withoutPort(text))
  return defineKind({
    allowed: "a host name or an IP address, as '10.42.41.10'",
    text: checked,
    json: (node) => checked(textOf(node) ?? ''),
  })
}

/** A host name or an IP address, and a port: `10.42.41.10:8080`, `[::1]:8080`. */
export function hostAndPort(): Kind<HostAndPort> {
  const checked = (text: string): HostAndPort | Refusal | undefined => {
    if (isHost(text)) return { host: text, port: undefined }
    const [, bracketed, name = '', digits] = /^(?:\[([^\]]*)\]|([^:]*))(?::([0-9]{1,5}))?$/.exec(text) ?? []
    const port = digits === undefined ? undefined : portOf(digits)
    const isRight = bracketed === undefined ? isHost(name) : isIPv6(bracketed)
    if (!isRight || (digits !== undefined && port === undefined)) return withoutScheme(text)
    return { host: bracketed ?? name, port }
  }
  return defineKind({
    allowed: "a host name or an IP address, with or without a port, as '10.42.41.10' or '10.42.41.10:8080'",
    text: checked,
    json: (node) => checked(textOf(node) ?? ''),
  })
}

const withoutScheme = (text: string): Refusal | undefined =>
  /^https?:\/\//i.test(text)
    ? refusal("must be a host, not a URL; leave out 'http://' and what follows the host")
    : undefined

/** Where the port has a key of its own. */
function withoutPort(text: string): Refusal | undefined {
  const [, bracketed, name = '', digits] = /^(?:\[([^\]]*)\]|([^:]*)):([0-9]{1,5})$/.exec(text) ?? []
  if (digits === undefined || !(bracketed === undefined ? isHost(name) : isIPv6(bracketed))) return undefined
  return refusal(`must be a host without its port; that goes to a key of its own: port ${digits}`)
}

function portOf(digits: string): number | undefined {
  const port = Number(digits)
  return digits.startsWith('0') || port > 65_535 ? undefined : port
}

/** As RFC 1123 has it. What ends like an IPv4 address must be one. */
function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true
  const labels = text.split('.')
  if (text.length > 253 || !labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label))) return false
  return isIPv4(text) || !/^[0-9]+$/.test(labels.at(-1) ?? '')
}

/**
 * A version of the SIMPLON API.
 * @returns Undefined for AUTO.
 */
export function apiVersion(): Kind<string | 'auto'> {
  const checked = (text: string): string | undefined =>
    /^[0-9]{1,3}(\.[0-9]{1,3}){2}$/.test(text) ? text : text === 'AUTO' ? 'auto' : undefined
  return defineKind({
    allowed: "AUTO or a version of the API, as '1.8.0'",
    text: (text) => checked(text.toUpperCase()),
    json: (node) => checked(textOf(node) ?? ''),
  })
}

/** A module of an rsync daemon. */
export function moduleName(): Kind<string> {
  const checked = (text: string): string | undefined => (/^\w[\w.-]{0,63}$/.test(text) ? text : undefined)
  return defineKind({
    allowed: "a module's name: 1 to 64 letters, digits, '_', '.' and '-'",
    text: checked,
    json: (node) => checked(textOf(node) ?? ''),
  })
}

/** A detector's id: colons divide the parts of `-d`. */
export function detectorId(): Kind<string> {
  const checked = (text: string): string | undefined =>
    /^[^\s:\p{Cc}\p{Cs}]+$/u.test(text) && [...text].length <= 64 ? text : undefined
  return defineKind({
    allowed: 'a name of 1 to 64 characters without blanks and colons',
    text: checked,
    json: (node) => checked(textOf(node) ?? ''),
  })
}

/** A user directory, or nothing. */
export function userDirectory(): Kind<string> {
  return defineKind({
    allowed: "a relative path, or '' for none",
    text(text, hasComment) {
      const plain = plainUserDirectory(text)
      if (isRefusal(plain) || !hasComment || text === '') return plain
      return refusal(
        "has a '#' after it; put the path in quotes if that belongs to it, else the comment on its own line",
      )
    },
    json(node) {
      const text = textOf(node)
      return text === undefined ? undefined : plainUserDirectory(text)
    },
  })
}
