/** A daemon's status, for people: how every daemon's begins and ends. */
import { counted } from '../../counted.js'
import type { DaemonBasics } from '../../daemon/index.js'
import { localTime } from '../table.js'

/** @param blocks Lines that stand together. What has none is left out. */
export function statusBlocks(
  program: string,
  { phase, pid, version, started, logLinesLost }: DaemonBasics,
  blocks: readonly (readonly string[])[],
): string {
  const first = [`${program} ${version} is ${phase} (process ${pid}, since ${localTime(started)})`]
  const last = logLinesLost > 0 ? [`log: ${counted(logLinesLost, 'line is', 'lines are')} missing`] : []
  return [first, ...blocks, last]
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n')
}
