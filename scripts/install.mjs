// npm's install script. Takes the prebuilt addon that this package carries if it loads here, else builds one.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findTools, missingToolsMessage } from './tools.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** In a child: what doesn't fit this machine may end the process that loads it. */
const prebuildLoads = () => {
  const loader = join(root, 'dist/load-addon.js')
  if (!existsSync(loader) || !existsSync(join(root, 'prebuilds'))) return false
  const code = `import { loadPrebuild } from ${JSON.stringify(loader)}; loadPrebuild()`
  return spawnSync(process.execPath, ['--input-type=module', '--eval', code], { stdio: 'ignore' }).status === 0
}

const fromSource = Boolean(process.env['npm_config_build_from_source'])
if (fromSource || !prebuildLoads()) {
  const tools = findTools()
  if (tools.with === 'nothing') {
    // npm removes what it has installed when this fails, so nothing can be built later: installing begins anew.
    console.error(missingToolsMessage(tools.missing, 'npm install, again'))
    process.exit(1)
  }
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/build-native.mjs')], { stdio: 'inherit' })
  process.exit(status ?? 1)
}
