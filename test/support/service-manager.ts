/**
 * A service manager with a descriptor store, as systemd has one, for tests: it runs one service, keeps what it is given,
 * and passes it on at the next start.
 */
import { spawn, spawnSync } from 'node:child_process'
import type { TestContext } from 'node:test'
import { until } from './pipe-world.js'

/** Why there can't be one here; undefined if there can. For `skip`. */
export const whyNoManager = (): string | undefined =>
  spawnSync('python3', ['-c', 'import os; os.pidfd_open']).status === 0
    ? undefined
    : 'python3, of version 3.9 or newer, is missing'

/** Reads commands by line; prints what happens by line. Arguments: socket, environment of the service, its command. */
const program = `
import array, json, os, select, signal, socket, sys
address, extra, command = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(address)
# A line at a time: what waits in a buffer of its own isn't seen by select.
commands = open(0, 'rb', buffering=0)
store = []
pid = pidfd = None

def say(*words):
    sys.stdout.write(' '.join(map(str, words)) + '\\n')
    sys.stdout.flush()

def start():
    global pid, pidfd
    pid = os.fork()
    if pid == 0:
        for number, (name, fd) in enumerate(store):
            os.dup2(fd, 100 + number)
        for number in range(len(store)):
            os.dup2(100 + number, 3 + number)
            os.close(100 + number)
        env = dict(os.environ, NOTIFY_SOCKET=address, **extra)
        if store:
            env.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(store)))
            env.update(LISTEN_FDNAMES=':'.join(name for name, fd in store))
        os.execvpe(command[0], command, env)
    pidfd = os.pidfd_open(pid)

def hear():
    global store
    data, rights, _, _ = server.recvmsg(65536, socket.CMSG_SPACE(64))
    fds = array.array('i')
    for level, kind, some in rights:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(some[:len(some) - len(some) % fds.itemsize])
    told = dict(line.split('=', 1) for line in data.decode().splitlines())
    if 'FDSTOREREMOVE' in told:
        for name, fd in store:
            if name == told['FDNAME']:
                os.close(fd)
        store = [(name, fd) for name, fd in store if name != told['FDNAME']]
    if 'FDSTORE' in told:
        # What isn't stored with this would go as soon as it has no writers.
        assert told['FDPOLL'] == '0' and len(fds) == 1 and not store, told
        store.append((told['FDNAME'], fds[0]))
    say('told', ' '.join(key for key in told), 'stored', len(store))

while True:
    waiting = [server, commands] + ([pidfd] if pidfd is not None else [])
    ready = select.select(waiting, [], [])[0]
    if server in ready:
        hear()
    elif pidfd is not None and pidfd in ready:
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(pidfd)
        pidfd = None
        say('ended', status)
    elif commands in ready:
        word = commands.readline().split()
        if not word:
            if pidfd is not None:
                os.kill(pid, signal.SIGKILL)
            sys.exit()
        if word[0] == b'start':
            start()
        else:
            os.kill(pid, int(word[1]))
`

export interface ServiceManager {
  /** All that it said. */
  said(): string
  start(): void
  /** Sends a signal, and waits for the end. Its exit code, or the signal's number below zero. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number>
}

/** @param env What the service has in its environment besides. */
export async function serviceManager(
  t: TestContext,
  address: string,
  env: Readonly<Record<string, string>>,
  command: readonly string[],
): Promise<ServiceManager> {
  const child = spawn('python3', ['-c', program, address, JSON.stringify(env), ...command], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  // It ends its service, too.
  t.after(() => void child.stdin.end())
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (some: string) => {
    text += some
  })
  const ends = (): readonly string[] => text.match(/^ended .*\n/gm) ?? []
  return {
    said: () => text,
    start: () => void child.stdin.write('start\n'),
    async end(signal) {
      const before = ends().length
      child.stdin.write(`kill ${signal === 'SIGKILL' ? 9 : 15}\n`)
      await until(() => ends().length > before || child.exitCode !== null)
      return Number(ends().at(-1)?.split(' ')[1])
    },
  }
}
