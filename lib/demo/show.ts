/** Shows the demo's progress: a live screen on a terminal, a line per second and the messages elsewhere. */
import type { WriteStream } from 'node:tty'
import { printable } from './format.js'
import { abilitiesOf, openScreen } from './terminal.js'
import { drawLine, drawScreen, type Picture } from './view.js'

/** The running display. */
export interface Show {
  readonly close: () => void
}

/** Begins to show what `picture` returns, until it is closed. */
export function openShow(stream: WriteStream, environment: NodeJS.ProcessEnv, picture: () => Picture): Show {
  const { screen, colour, unicode } = abilitiesOf(stream, environment)
  if (screen) return openScreen(stream, (columns) => drawScreen(picture(), columns, unicode), colour)
  let told = 0
  const timer = setInterval(() => {
    const current = picture()
    const news = current.messages.slice(told).map((message) => `${printable(message)}\n`)
    told = current.messages.length
    stream.write(`${news.join('')}${drawLine(current)}\n`)
  }, 1000)
  return { close: () => clearInterval(timer) }
}
