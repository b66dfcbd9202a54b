/** The machine and the programs, as far as figures depend on them. */
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { copyContenders } from './contenders.mjs'
import { gib } from './file-systems.mjs'
import { furkaPrograms, furkaVersion } from './furka/contenders.mjs'

/** @typedef {import('./tools.mjs').Tools} Tools */

/**
 * @typedef {object} Machine
 * @property {string} processor
 * @property {number} cores
 * @property {string} memory
 * @property {boolean} virtual
 * @property {string} system
 * @property {string} kernel
 * @property {string} node
 * @property {string} compiler
 * @property {number} load Of the last minute, at the start.
 * @property {Record<string, string>} versions By contender.
 */

/** @param {string} path @param {RegExp} pattern */
const find = (path, pattern) => pattern.exec(readFileSync(path, 'utf8'))?.[1]

/** @param {Tools} tools @returns {Machine} */
export function describeMachine(tools) {
  /** @type {[string, string][]} */
  const versions = [
    ...copyContenders(tools.raw).filter(({ side }) => side === 'peer'),
    ...furkaPrograms.map((name) => ({ name, version: () => furkaVersion(name) })),
  ].map(({ name, version }) => [name, version() ?? 'not installed'])
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory: gib(totalmem()),
    virtual: find('/proc/cpuinfo', /^flags\s*:.*\b(hypervisor)\b/m) !== undefined,
    system: find('/etc/os-release', /^PRETTY_NAME="?([^"\n]+)/m) ?? 'unknown',
    kernel: release(),
    node: process.version,
    compiler: tools.compiler,
    load: loadavg()[0] ?? Number.NaN,
    versions: Object.fromEntries(versions),
  }
}

/** In a few lines for people. @param {Machine} machine @returns {string[]} */
export function machineLines(machine) {
  const programs = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`)
  return [
    `${machine.processor}, ${machine.cores} cores, ${machine.memory}${machine.virtual ? ', virtual machine' : ''}`,
    `${machine.system}, Linux ${machine.kernel}, Node ${machine.node}`,
    programs.join(', '),
    machine.compiler,
  ]
}
