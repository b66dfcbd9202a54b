/** What the demo shows while it runs, as lines of spans; pure. */
import { bar, count, duration, percent, printable, size } from './format.js'
import type { Delays, Flow } from './tally.js'
import type { Span, Style } from './terminal.js'

/** The state of the demo at one moment. */
export interface Picture {
  readonly phase: 'writing' | 'copying the rest' | 'verifying'
  /** Since the detectors began. */
  readonly seconds: number
  readonly plannedSeconds: number
  readonly detectors: readonly (Flow & { readonly name: string; readonly planned: number })[]
  readonly storages: readonly (Flow & {
    readonly id: string
    /** Files that are to be copied so far. */
    readonly announced: number
    readonly failed: number
    readonly delays: Delays
    /** Files verified so far; undefined before. */
    readonly verified: number | undefined
  })[]
  readonly volumes: readonly {
    readonly name: string
    readonly path: string
    readonly fsType: string
    readonly available: number
    /** Used fraction. */
    readonly fill: number
  }[]
  readonly loopDelay: Delays
  /** The latest one last. */
  readonly messages: readonly string[]
}

/** The whole screen, for a terminal of `columns`. */
export function drawScreen(picture: Picture, columns: number, unicode: boolean): Span[][] {
  const width = Math.max(6, Math.min(40, columns - NAME - 1 - CELLS.reduce((all, one) => all + one)))
  const { phase, seconds, plannedSeconds, detectors, storages, volumes, loopDelay, messages } = picture
  const time = `${seconds.toFixed(1)} s`
  const progress = phase === 'writing' ? `${time} of ${plannedSeconds} s` : time
  const head = [span('susten ', 'bold'), span(`simulated detectors, two storages: `), span(phase, 'good')]
  const lines: Span[][] = [[...head, span(`   ${progress}`, 'dim')], []]
  lines.push(title('detectors', width, ['files', 'size', 'per second']))
  for (const { name, planned, ...flow } of detectors) {
    lines.push(row(name, flow.files / planned, width, unicode, [of(flow.files, planned), ...flows(flow)]))
  }
  lines.push([], title('copies', width, ['files', 'size', 'per second']))
  for (const { id, announced, failed, verified, ...flow } of storages) {
    const done = verified ?? flow.files
    const state = verified === undefined ? flows(flow) : [size(flow.bytes), 'verifying']
    const line = row(id, announced === 0 ? 0 : done / announced, width, unicode, [of(done, announced), ...state])
    lines.push(line)
    if (failed > 0) lines.push([span(`    ${count(failed)} failed`, 'bad')])
  }
  lines.push([], title('from close to durable', width, ['median', '99 %', 'longest']))
  for (const { id, delays } of storages) lines.push(row(id, undefined, width, unicode, delayCells(delays)))
  lines.push(row('event loop', undefined, width, unicode, delayCells(loopDelay)))
  lines.push([], title('volumes', width, ['used', 'free']))
  for (const { name, path, fsType, available, fill } of volumes) {
    const cells = [percent(fill), size(available)]
    lines.push([...row(name, fill, width, unicode, cells), span(`  ${fsType} ${printable(path)}`, 'dim')])
  }
  lines.push([])
  for (const message of messages.slice(-3)) lines.push([span(printable(message), 'dim')])
  lines.push([span('Ctrl-C ends it and tidies up.', 'dim')])
  return lines
}

/** The same in one line, for a log. */
export function drawLine(picture: Picture): string {
  const { phase, seconds, detectors, storages, volumes, loopDelay } = picture
  const written = sum(detectors)
  const parts = [`${seconds.toFixed(1).padStart(5)} s  ${phase}`]
  parts.push(`written ${count(written.files)} files ${size(written.bytes)}`)
  for (const { id, files, announced, failed, delays, verified } of storages) {
    const failing = failed === 0 ? '' : ` (${failed} failing)`
    const durable = `, durable after ${duration(delays.p50)} / ${duration(delays.p99)}`
    parts.push(
      verified === undefined
        ? `${id} ${count(files)} of ${count(announced)}${failing}${durable}`
        : `${id} ${count(verified)} of ${count(announced)} verified`,
    )
  }
  parts.push(`used ${volumes.map(({ name, fill }) => `${name} ${percent(fill)}`).join(', ')}`)
  parts.push(`event loop ${duration(loopDelay.p99)}`)
  return parts.join('  |  ')
}

/** Widths of the first column and of those after the bar. */
const NAME = 17
const CELLS = [14, 10, 22]

function title(name: string, width: number, cells: readonly string[]): Span[] {
  return [span(name.padEnd(NAME + width), 'bold'), span(cells.map(cell).join(''), 'dim')]
}

function row(
  name: string,
  fraction: number | undefined,
  width: number,
  unicode: boolean,
  cells: readonly string[],
): Span[] {
  const drawn = fraction === undefined ? ' '.repeat(width) : bar(fraction, width, unicode)
  return [span(`  ${name}`.padEnd(NAME)), span(drawn, 'bar'), span(cells.map(cell).join(''))]
}

function cell(text: string, index: number): string {
  return text.padStart(CELLS[index] ?? 12)
}

function of(files: number, all: number): string {
  return `${count(files)} of ${count(all)}`
}

function flows({ bytes, filesPerSecond, bytesPerSecond }: Flow): string[] {
  return [size(bytes), `${filesPerSecond.toFixed(1)} files, ${size(bytesPerSecond)}`]
}

function delayCells({ p50, p99, max }: Delays): string[] {
  return [duration(p50), duration(p99), duration(max)]
}

function sum(flows: readonly Flow[]): { files: number; bytes: number } {
  return flows.reduce((all, one) => ({ files: all.files + one.files, bytes: all.bytes + one.bytes }), {
    files: 0,
    bytes: 0,
  })
}

function span(text: string, style: Style = 'plain'): Span {
  return { text, style }
}
