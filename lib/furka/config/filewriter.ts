/** A filewriter's part of a configuration. */
import type { Problems } from '../../config/index.js'
import { defaults, type detectorKinds } from './keys.js'
import type { Spelled } from './spelled.js'
import type { FilewriterSource } from './types.js'

type PollKey = 'pollArriving' | 'pollAcquiring' | 'pollIdle'

type FilewriterKinds = Pick<typeof detectorKinds, PollKey | 'https' | 'apiVersion' | 'connections' | 'stallTimeout'>

/** The busier, the more often. */
export function checkPolling(
  { given, wrong, spelling }: Spelled<FilewriterKinds>,
  prefix: string,
  problems: Problems,
): void {
  for (const [busy, calm] of [
    ['pollArriving', 'pollAcquiring'],
    ['pollAcquiring', 'pollIdle'],
  ] as const) {
    if (wrong.has(busy) || wrong.has(calm)) continue
    const [often, seldom] = [given[busy]?.value ?? defaults[busy], given[calm]?.value ?? defaults[calm]]
    if (often <= seldom) continue
    const shown = (key: PollKey, value: number): string =>
      `${spelling[key]} ${value} ms${given[key] === undefined ? ' (the default)' : ''}`
    problems.add(
      (given[busy] ?? given[calm])?.at,
      `${prefix}${shown(busy, often)} must not be above ${shown(calm, seldom)}`,
    )
  }
}

export function filewriterSource(
  { given }: Spelled<FilewriterKinds>,
  host: string,
  port: number | undefined,
): FilewriterSource {
  const https = given.https?.value ?? defaults.https
  const version = given.apiVersion?.value ?? 'auto'
  return {
    protocol: 'filewriter',
    host,
    port: port ?? (https ? 443 : 80),
    https,
    apiVersion: version === 'auto' ? undefined : version,
    poll: {
      arriving: given.pollArriving?.value ?? defaults.pollArriving,
      acquiring: given.pollAcquiring?.value ?? defaults.pollAcquiring,
      idle: given.pollIdle?.value ?? defaults.pollIdle,
    },
    connections: given.connections?.value ?? defaults.connections,
    stallTimeout: given.stallTimeout?.value ?? defaults.stallTimeout,
  }
}
