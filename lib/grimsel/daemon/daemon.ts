/** Grimsel as a daemon: everything that a configuration names, and a Grimsel in the middle. */
import type { ByteString } from '../../bytes.js'
import {
  asOf,
  type Daemon,
  type DaemonInside,
  type DaemonOptions,
  type RunningService,
  runDaemon,
} from '../../daemon/index.js'
import type { Log } from '../../log/index.js'
import type { GrimselConfig, LoadedConfig } from '../config/index.js'
import { Grimsel } from '../index.js'
import { openMessagePort, openStatusPort, type Port } from '../ports/index.js'
import { announce, type RefusedPath } from './announce.js'
import { blamed } from './blame.js'
import { find } from './find.js'
import { methodsOf } from './methods.js'
import { checkGrimsel } from './needs.js'
import { grimselOptions } from './options.js'
import { type DaemonPipe, keeperOf, openDaemonPipe } from './pipe.js'
import { createProgress, summaryOf } from './progress.js'
import { report } from './report.js'
import { statusEntries } from './shifts.js'
import type { OwnStatus } from './status.js'

/** Bytes of a request: a thousand paths, however long, in Base64. */
const maxLine = 6 * 1024 * 1024

/** Begins at once. */
export function runGrimsel({ config, notes }: LoadedConfig, options: DaemonOptions): Daemon {
  const keys = { controlSocket: 'control_socket', logfile: 'logfile' }
  const check = () => checkGrimsel(config)
  return runDaemon({ name: 'Grimsel', places: config, keys, notes, check, maxLine }, options, (inside) =>
    service(config, inside),
  )
}

function service(config: GrimselConfig, inside: DaemonInside) {
  let grimsel: Grimsel | undefined
  let pipe: DaemonPipe | undefined
  let ports: { readonly status?: Port; readonly messages?: Port } = {}

  function announceHere(paths: readonly ByteString[]): Promise<readonly RefusedPath[]> {
    if (grimsel === undefined) throw new TypeError('announced before it was opened')
    return announce(grimsel, config.bufferDirectory, paths)
  }

  const methods = methodsOf({
    grimsel: () => inside.running(grimsel),
    async announce(paths) {
      inside.running(grimsel)
      return announceHere(paths)
    },
    find: async (paths) => find(inside.running(grimsel), config.bufferDirectory, paths),
    note: inside.note,
  })

  function status(): OwnStatus {
    const { paths = 0, bad = {} } = pipe?.file.counters ?? {}
    const refused = pipe?.refused ?? 0
    return {
      ports: { status: ports.status?.addresses ?? [], messages: ports.messages?.addresses ?? [] },
      pipe: { path: config.filePipe, announced: Math.max(0, paths - refused), refused, bad },
      ...(grimsel === undefined ? {} : { grimsel: grimsel.status() }),
    }
  }

  async function open(log: Log): Promise<RunningService> {
    const messages = await openMessagePort(portOptions(config.messagePort, log))
    inside.opened({ name: 'message port', close: () => messages.close() })
    const query = () => statusEntries(inside.running(grimsel).status())
    const answers = await openStatusPort({ ...portOptions(config.statusPort, log), query })
    inside.opened({ name: 'status port', close: () => answers.close() })
    ports = { status: answers, messages }
    const opening = await Grimsel.open({ ...grimselOptions(config), signal: inside.starting }).catch(
      (error: unknown) => {
        throw blamed(config, error)
      },
    )
    grimsel = opening
    inside.moves('Grimsel', opening)
    report(opening, config, log, messages, inside.fail)
    warnOfMountpoints(config, opening, log)
    const keeper = keeperOf(inside.store, inside.isFailing)
    const reading = await asOf('file_pipe', openDaemonPipe(config.filePipe, announceHere, log, keeper))
    pipe = reading
    reading.file.closed.catch(inside.fail)
    // What it has taken in it hands over first.
    inside.opened({ name: 'file pipe', close: () => reading.file.close().catch(() => {}), drains: true })
    return {
      fields: {
        journal: config.journalDirectory,
        status_port: answers.addresses,
        message_port: messages.addresses,
      },
      makesProgress: createProgress(() => opening.status()),
      summary: () => summaryOf(opening.status()),
    }
  }

  function portOptions(port: number, log: Log) {
    const onError = (error: unknown) => log.error({ event: 'port', port, err: error }, `port ${port}`)
    return { host: config.bindAddresses, port, onError }
  }

  return { methods, status, open }
}

/** The fill state of the internal storage is that of its target's file system: another mount point is a mistake. */
function warnOfMountpoints({ storages }: GrimselConfig, grimsel: Grimsel, log: Log): void {
  for (const { id, mountpoint } of storages) {
    const found = grimsel.status().storages.find((storage) => storage.id === id)?.volume?.mountPoint
    if (mountpoint === undefined || found === undefined || found === mountpoint) continue
    const text = `storage '${id}': its target lies on ${found}, whose fill state is read, not on its mountpoint ${mountpoint}`
    log.warn({ event: 'config', storage: id }, text)
  }
}
