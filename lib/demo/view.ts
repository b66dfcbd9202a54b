/** What the demo shows while it runs, as lines of spans; pure. */
import { bar, count, duration, percent, printable, size } from './format.js'
import type { Delays, Flow, Step } from './tally.js'
import type { Span, Style } from './terminal.js'

/** The state of the demo at one moment. */
export interface Picture {
  readonly phase: 'measuring' | 'receiving the rest' | 'copying the rest' | 'verifying'
  /** Since the detectors began. */
  readonly seconds: number
  readonly plannedSeconds: number
  /** Whose files are received now. */
  readonly user: { readonly name: string; readonly uid: number; readonly gid: number; readonly turn: number }
  /** Files that are complete at the servers so far. */
  readonly complete: number
  readonly detectors: readonly (Flow & {
    readonly name: string
    readonly planned: number
    /** As Furka knows it. */
    readonly state: string
    /** Bytes of the server's memory, and those that are used, as Furka was told. */
    readonly memory: number
    readonly used: number | undefined
    readonly received: number
    /** Bytes a second that Furka receives. */
    readonly rate: number
    /** Milliseconds from when Furka saw files to when it had them. */
    readonly latency: { readonly p50: number; readonly p99: number } | undefined
  })[]
  readonly storages: readonly (Flow & { readonly id: string; readonly failed: number })[]
  readonly delays: readonly (Delays & { readonly step: Step })[]
  /** Files verified so far, of tiers that are being verified. */
  readonly verified: readonly { readonly id: string; readonly files: number }[]
  readonly volumes: readonly {
    readonly name: string
    readonly path: string
    readonly fsType: string
    readonly available: number
    /** Used fraction. */
    readonly fill: number
    /** Files that Grimsel has there, and links in place of others; undefined: it doesn't say. */
    readonly held: number | undefined
    readonly links: number | undefined
  }[]
  readonly loopDelay: Delays
  /** The latest one last. */
  readonly messages: readonly string[]
}

/** The whole screen, for a terminal of `columns`. */
export function drawScreen(picture: Picture, columns: number, unicode: boolean): Span[][] {
  const width = Math.max(6, Math.min(40, columns - NAME - 1 - CELLS.reduce((all, one) => all + one)))
  const line = (name: string, fraction: number | undefined, cells: readonly string[]): Span[] =>
    row(name, fraction, width, unicode, cells)
  const { complete, detectors, storages, delays, loopDelay } = picture
  const lines: Span[][] = [...heading(picture), title('detector servers', width, ['complete', 'memory', 'state'])]
  for (const { name, files, planned, used, memory, state } of detectors) {
    const cells = [of(files, planned), used === undefined ? '-' : percent(used / memory), printable(state)]
    lines.push(line(name, files / planned, cells))
  }
  lines.push(title('Furka', width, ['received', 'a second', 'median, 99 %']))
  for (const { name, files, received, rate, latency } of detectors) {
    const cells = [of(received, files), size(rate), `${duration(latency?.p50)}, ${duration(latency?.p99)}`]
    lines.push(line(name, files === 0 ? 0 : received / files, cells))
  }
  lines.push(title('Grimsel', width, ['durable', 'size', 'per second']))
  for (const { id, failed, ...flow } of storages) {
    lines.push(line(id, complete === 0 ? 0 : flow.files / complete, [of(flow.files, complete), ...flows(flow)]))
    if (failed > 0) lines.push([span(`    ${count(failed)} failed`, 'bad')])
  }
  lines.push(title('from complete to', width, ['median', '99 %', 'longest']))
  for (const { step, ...delay } of delays) lines.push(line(step, undefined, delayCells(delay)))
  lines.push(line('event loop', undefined, delayCells(loopDelay)))
  return [...lines, ...volumeLines(picture, width, line), ...lastLines(picture)]
}

function heading({ phase, seconds, plannedSeconds, user }: Picture): Span[][] {
  const time = `${seconds.toFixed(1)} s`
  const progress = phase === 'measuring' ? `${time} of ${plannedSeconds} s` : time
  return [
    [
      span('susten ', 'bold'),
      span('two detector servers, a buffer, two storages: '),
      span(phase, 'good'),
      span(`   ${progress}`, 'dim'),
    ],
    [span('user   ', 'bold'), span(`${user.name} (${user.uid}:${user.gid}), turn ${user.turn}`)],
  ]
}

type Line = (name: string, fraction: number | undefined, cells: readonly string[]) => Span[]

function volumeLines({ volumes, verified }: Picture, width: number, line: Line): Span[][] {
  const lines = [title('volumes', width, ['used', 'free', verified.length > 0 ? 'verified' : 'files, links'])]
  for (const { name, path, fsType, available, fill, held, links } of volumes) {
    const checked = verified.find(({ id }) => id === name)
    const contents = held === undefined || links === undefined ? '-' : `${count(held)}, ${count(links)}`
    const cells = [percent(fill), size(available), checked === undefined ? contents : count(checked.files)]
    lines.push([...line(name, fill, cells), span(`  ${fsType} ${printable(path)}`, 'dim')])
  }
  return lines
}

function lastLines({ messages }: Picture): Span[][] {
  const latest = messages.slice(-2).map((message) => [span(printable(message), 'dim')])
  return [...latest, [span('Ctrl-C ends it and tidies up.', 'dim')]]
}

/** The same in one line, for a log. */
export function drawLine(picture: Picture): string {
  const { phase, seconds, user, complete, detectors, storages, delays, verified, volumes, loopDelay } = picture
  const bytes = detectors.reduce((sum, one) => sum + one.bytes, 0)
  const received = detectors.reduce((sum, one) => sum + one.received, 0)
  const after = (step: Step): string => {
    const { p50, p99 } = delays.find((one) => one.step === step) ?? {}
    return `after ${duration(p50)} / ${duration(p99)}`
  }
  const parts = [`${seconds.toFixed(1).padStart(5)} s  ${phase}`, user.name]
  if (verified.length > 0) {
    parts.push(`verified ${verified.map(({ id, files }) => `${id} ${count(files)}`).join(', ')}`)
    return parts.join('  |  ')
  }
  parts.push(`complete ${count(complete)} files ${size(bytes)}`)
  parts.push(`received ${count(received)} ${after('received')}`)
  for (const { id, files, failed } of storages) {
    const failing = failed === 0 ? '' : ` (${failed} failing)`
    const step = id === 'external' ? 'external' : 'internal'
    parts.push(`${id} ${count(files)}${failing} ${after(step)}`)
  }
  parts.push(
    `servers ${detectors.map(({ used, memory }) => (used === undefined ? '-' : percent(used / memory))).join(', ')}`,
  )
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

function span(text: string, style: Style = 'plain'): Span {
  return { text, style }
}
