/** Where the demo shows itself: a screen that is redrawn, or plain lines. */
import type { WriteStream } from 'node:tty'

/** What an output can do. */
export interface Abilities {
  /** It is a terminal whose cursor can be moved. */
  readonly screen: boolean
  readonly colour: boolean
  /** Block characters may be used for bars. */
  readonly unicode: boolean
}

/** Looks at a stream and the environment. `NO_COLOR` (no-color.org) and `TERM=dumb` are honoured. */
export function abilitiesOf(stream: { isTTY?: boolean }, environment: NodeJS.ProcessEnv): Abilities {
  const terminal = stream.isTTY === true && environment['TERM'] !== 'dumb'
  const locale = environment['LC_ALL'] || environment['LC_CTYPE'] || environment['LANG'] || ''
  return {
    screen: terminal,
    colour: terminal && !environment['NO_COLOR'],
    unicode: terminal && /utf-?8/i.test(locale),
  }
}

/** How a part of a line is shown. */
export type Style = 'plain' | 'bold' | 'dim' | 'good' | 'bad' | 'bar'

/** A part of a line. */
export interface Span {
  readonly text: string
  readonly style: Style
}

const CODES: Readonly<Record<Style, string>> = { plain: '', bold: '1', dim: '2', good: '32', bad: '1;31', bar: '36' }

/** One line for the terminal, cut to `columns` characters. */
export function paint(line: readonly Span[], columns: number, colour: boolean): string {
  let room = columns
  let painted = ''
  for (const { text, style } of line) {
    const part = [...text].slice(0, room).join('')
    room -= [...part].length
    const code = CODES[style]
    painted += colour && code !== '' && part !== '' ? `\x1b[${code}m${part}\x1b[0m` : part
  }
  return painted
}

/** A live screen. */
export interface Screen {
  /** Draws now, besides the regular times. */
  readonly draw: () => void
  /** Gives the terminal back as it was. */
  readonly close: () => void
}

/**
 * Takes the terminal's alternate screen and redraws it five times a second, after a resize, and after the process was
 * stopped and continued. Each line is written over the old one, so that nothing flickers.
 */
export function openScreen(stream: WriteStream, content: (columns: number) => Span[][], colour: boolean): Screen {
  const enter = (): void => void stream.write('\x1b[?1049h\x1b[?25l\x1b[2J')
  const leave = (): void => void stream.write('\x1b[?25h\x1b[?1049l')
  const draw = (): void => {
    // A terminal that doesn't know its size says 0.
    const columns = stream.columns || 80
    const rows = stream.rows || 24
    const lines = content(columns)
      .slice(0, rows)
      .map((line) => `${paint(line, columns, colour)}\x1b[K`)
    // The last line ends without a line feed, which would scroll.
    stream.write(`\x1b[H${lines.join('\r\n')}\x1b[J`)
  }
  const resize = (): void => {
    stream.write('\x1b[2J')
    draw()
  }
  const suspend = (): void => {
    leave()
    process.kill(process.pid, 'SIGSTOP')
  }
  const resume = (): void => {
    enter()
    draw()
  }
  enter()
  draw()
  const timer = setInterval(draw, 200)
  stream.on('resize', resize)
  process.on('SIGTSTP', suspend)
  process.on('SIGCONT', resume)
  // Whatever ends the process, the terminal is given back.
  process.on('exit', leave)
  return {
    draw,
    close() {
      clearInterval(timer)
      stream.off('resize', resize)
      process.off('SIGTSTP', suspend)
      process.off('SIGCONT', resume)
      process.off('exit', leave)
      leave()
    },
  }
}
