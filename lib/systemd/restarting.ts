/** Whether systemd has been told to restart this service, and not to stop it: both begin with the same signal. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Milliseconds that systemd may take for an answer. */
const patience = 2000

/** False where it can't be told. */
export async function isRestarting(): Promise<boolean> {
  const unit = ownUnit()
  if (unit === undefined) return false
  const jobs = await ask(['list-jobs', '--full', '--plain', '--no-legend', '--no-pager'])
  return jobs.split('\n').some((line) => {
    const [, name, type] = line.trim().split(/\s+/)
    return name === unit && type === 'restart'
  })
}

/** systemd calls a service's control group by its name. */
function ownUnit(): string | undefined {
  try {
    return /\/([^/\n]+\.service)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1]
  } catch {
    return undefined
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
