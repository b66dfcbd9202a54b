/** A writer that stores through a mapping of its file, which changes no time stamp of a page that is dirty already. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'

const program = `
import mmap, sys
with open(sys.argv[1], 'w+b') as file:
    file.truncate(8192)
    with mmap.mmap(file.fileno(), 8192) as mapping:
        for letter in (b'A', b'B'):
            mapping[:] = letter * 8192
            print(letter, flush=True)
            sys.stdin.readline()
`

/** Fills a file of 8192 bytes with A at once, with B when told to, and closes it when told again. */
export async function startMapping(t: TestContext, path: string) {
  const child = spawn('python3', ['-c', program, path], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return {
    async goOn() {
      child.stdin.write('\n')
      await once(child.stdout, 'data')
    },
    async close() {
      child.stdin.end('\n')
      await once(child, 'exit')
    },
  }
}
