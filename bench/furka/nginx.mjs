/** A Debian nginx with a configuration of its own: what a detector server can do at best. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { startServer } from './server.mjs'

/**
 * @typedef {object} Nginx
 * @property {string} host
 * @property {number} port
 * @property {() => Promise<void>} close
 */

/** `1.22.1`, or undefined if there is none. */
export function nginxVersion() {
  const { stderr, error } = spawnSync('nginx', ['-v'], { encoding: 'utf8' })
  return error ? undefined : (/nginx\/(\S+)/.exec(stderr)?.[1] ?? 'unknown version')
}

/**
 * As Debian has it where a line isn't about this place: as many workers as processors, `sendfile`, `tcp_nopush`. Logs of
 * accesses would cost what a detector's server doesn't spend.
 *
 * @param {string} own A directory for what nginx writes.
 * @param {string} files The directory that is served.
 * @param {string} listen
 */
const configuration = (own, files, listen) => `
user root;
worker_processes auto;
daemon off;
pid ${own}/pid;
error_log stderr error;
events { worker_connections 768; }
http {
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 65;
  keepalive_requests 1000000;
  default_type application/octet-stream;
  access_log off;
  client_body_temp_path ${own}/body;
  proxy_temp_path ${own}/proxy;
  fastcgi_temp_path ${own}/fastcgi;
  uwsgi_temp_path ${own}/uwsgi;
  scgi_temp_path ${own}/scgi;
  server {
    listen ${listen};
    root ${files};
  }
}
`

/** A port that nobody listens at now. @returns {Promise<number>} */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return port
}

/**
 * @param {object} place
 * @param {string} place.own A directory that isn't there yet, for what nginx writes.
 * @param {string} place.files The directory that is served.
 * @param {string} [place.host] Default: loopback.
 * @param {string[]} [place.within] Runs the command that follows, elsewhere.
 * @returns {Promise<Nginx>}
 */
export async function startNginx({ own, files, host = '127.0.0.1', within = [] }) {
  const port = await freePort()
  const config = join(own, 'nginx.conf')
  mkdirSync(own)
  try {
    writeFileSync(config, configuration(own, files, `${host}:${port}`))
    const server = await startServer('nginx', port, [...within, 'nginx', '-p', own, '-e', 'stderr', '-c', config])
    const close = async () => {
      await server.close()
      rmSync(own, { recursive: true, force: true })
    }
    return { host, port, close }
  } catch (error) {
    rmSync(own, { recursive: true, force: true })
    throw error
  }
}
