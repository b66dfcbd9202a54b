/** `npm start`: reads the command line, runs the demo, prints the figures. */
import { constants } from 'node:os'
import { HELP, readOptions } from './options.js'
import { PlaceError } from './places.js'
import { printReport } from './report.js'
import { runDemo } from './run.js'
import { abilitiesOf } from './terminal.js'

/** Ended by a signal, or by a reader of the output that went away. */
class Ended extends Error {
  readonly exitCode: number
  constructor(what: string, exitCode: number) {
    super(what)
    this.exitCode = exitCode
  }
}

/** How long tidying up may take until a further signal ends the process at once. */
const GRACE = 3000

async function main(): Promise<number> {
  const request = readOptions(process.argv.slice(2))
  if (request.type === 'help') {
    process.stdout.write(HELP)
    return 0
  }
  if (request.type === 'wrong') {
    process.stderr.write(`${request.message}; see --help\n`)
    return 2
  }
  const { options } = request
  const stream = options.json ? process.stderr : process.stdout
  const stop = new AbortController()
  endOnSignals(stop)
  for (const output of [process.stdout, process.stderr]) {
    output.on('error', () => stop.abort(new Ended('nobody reads the output any more', 128 + constants.signals.SIGPIPE)))
  }
  // Whatever else goes wrong, what was made is removed.
  process.on('uncaughtException', (error) => stop.abort(error))
  try {
    const { report, remarks } = await runDemo(options, {
      stream,
      environment: process.env,
      signal: stop.signal,
    })
    const { colour } = abilitiesOf(process.stdout, process.env)
    process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : printReport(report, colour))
    for (const remark of remarks) stream.write(`${remark}\n`)
    return report.ok ? 0 : 1
  } catch (error) {
    if (error instanceof Ended) {
      process.stderr.write(`${error.message}: stopped${options.keep ? '' : ' and tidied up'}\n`)
      return error.exitCode
    }
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return error instanceof PlaceError ? 2 : 1
  }
}

/** The first signal ends the run; more of them do nothing while it tidies up, unless that takes too long. */
function endOnSignals(stop: AbortController): void {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const exitCode = 128 + constants.signals[name]
    let first: number | undefined
    process.on(name, () => {
      first ??= performance.now()
      if (performance.now() - first > GRACE) process.exit(exitCode)
      stop.abort(new Ended(name, exitCode))
    })
  }
}

process.exitCode = await main()
