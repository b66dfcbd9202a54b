/** A supervisor as systemd is one, for tests. */
import { spawn } from 'node:child_process'
import type { TestContext } from 'node:test'
import { until } from './pipe-world.js'

/** Reads datagrams, and prints each as one line. */
const listener = `
import socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(sys.argv[1].replace('@', '\\0', 1))
print('listening', flush=True)
while True:
    print(server.recv(65536).decode().replace('\\n', ' '), flush=True)
`

/** A supervisor's notify socket, and what it was told. */
export async function supervisor(t: TestContext, address: string): Promise<() => string> {
  const child = spawn('python3', ['-c', listener, address], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (some: string) => {
    text += some
  })
  await until(() => text.includes('listening'))
  return () => text
}
