/** Whether systemd has been told to restart this service, and not to stop it: both begin with the same signal. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Milliseconds that systemd may take for an answer. */
const patience = 2000
/** The first version that holds a pipe without writers (`FDPOLL=0`). Earlier ones let go of it. */
const firstVersion = 246

/** What is known of this service. */
interface Known {
  /** /proc/self/cgroup: systemd calls a service's control group by its name. */
  readonly groups: string
  /** What `systemctl --version` and `systemctl list-jobs` print. */
  readonly version: string
  readonly jobs: string
}

/** False where it can't be told, and where systemd is too old to hold whatever it is given for the next process. */
export async function isRestarting(): Promise<boolean> {
  const [version, jobs] = await Promise.all([
    ask(['--version']),
    ask(['list-jobs', '--full', '--plain', '--no-legend', '--no-pager']),
  ])
  return tellsRestart({ groups: ownGroups(), version, jobs })
}

export function tellsRestart({ groups, version, jobs }: Known): boolean {
  const unit = /\/([^/\n]+\.service)$/m.exec(groups)?.[1]
  if (unit === undefined || Number(/^systemd (\d+)/.exec(version)?.[1] ?? 0) < firstVersion) return false
  return jobs.split('\n').some((line) => {
    const [, name, type] = line.trim().split(/\s+/)
    return name === unit && type === 'restart'
  })
}

function ownGroups(): string {
  try {
    return readFileSync('/proc/self/cgroup', 'utf8')
  } catch {
    return ''
  }
}

/** Empty if there is no answer. */
function ask(args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile('systemctl', args, { timeout: patience, encoding: 'utf8' }, (error, stdout) =>
      resolve(error === null ? stdout : ''),
    )
  })
}
