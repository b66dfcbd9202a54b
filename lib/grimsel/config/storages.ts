/** Reads the storages' sections, and counts their types. */
import { availableParallelism } from 'node:os'
import {
  type Problems,
  quoted,
  type RawConfig,
  type RawSection,
  readSection,
  type Section,
} from '../../config/index.js'
import type { FilePosition } from '../../errors.js'
import { defaults, globalKeys, storageKeys } from './keys.js'
import type { GrimselStorage } from './types.js'

/** A storage, how messages call it, and where its section begins. */
export interface PlacedStorage {
  readonly at: FilePosition
  readonly name: string
  /** Undefined if it is missing or wrong. */
  readonly target: string | undefined
  /** Undefined if something needed is missing or wrong. */
  readonly storage: GrimselStorage | undefined
}

export function readStorages(
  raw: RawConfig,
  globals: Section<typeof globalKeys>,
  problems: Problems,
): readonly PlacedStorage[] {
  const sections = raw.sections.map((section, index) => {
    const name = nameOf(section, index)
    const words = { prefix: `${name}: `, misplaced: (key: string) => misplaced(key, raw.form) }
    return { at: section.at, name, section: readSection(section.entries, storageKeys, words, problems) }
  })
  checkIds(sections, problems)
  checkTypes(sections, problems)
  return sections.map(({ at, name, section }) => {
    const target = targetOf(section, globals)
    return { at, name, target, storage: completeStorage(section, globals, target, name, at, problems) }
  })
}

interface NamedSection {
  readonly at: FilePosition
  readonly name: string
  readonly section: Section<typeof storageKeys>
}

/** How messages call a storage: by its id as it stands in the file, else by its number. */
function nameOf({ entries }: RawSection, index: number): string {
  const value = entries.find(({ key }) => key === 'storageID')?.value
  if (value?.form === 'text' && value.text !== '') return `storage ${quoted(value.text)}`
  if (value?.form === 'json' && value.node.kind === 'string') return `storage ${quoted(value.node.value)}`
  return `storage number ${index + 1}`
}

function misplaced(key: string, form: RawConfig['form']): string | undefined {
  if (!Object.hasOwn(globalKeys, key)) return undefined
  const where = form === 'conf' ? 'above the first storageID' : "to the top level, beside 'storages'"
  return `${key} is a key of the whole file, not of a storage; move it ${where}`
}

function checkIds(sections: readonly NamedSection[], problems: Problems): void {
  const first = new Map<string, FilePosition>()
  for (const { section, name } of sections) {
    const id = section.given.storageID
    if (id === undefined) continue
    const earlier = first.get(id.value)
    if (earlier === undefined) first.set(id.value, id.at)
    else problems.add(id.at, `${name} is there twice, first in line ${earlier.line}; each needs a storageID of its own`)
  }
}

function checkTypes(sections: readonly NamedSection[], problems: Problems): void {
  const [internal, ...internals] = sections.filter(({ section }) => section.given.type?.value === 'internal')
  const [external, ...externals] = sections.filter(({ section }) => section.given.type?.value === 'external')
  // A storage without a valid type may have been meant to be it, and is reported already.
  const isKnown = sections.every(({ section }) => section.given.type !== undefined)
  if (internal === undefined && isKnown) {
    const what = sections.length === 0 ? 'there is no storage' : 'no storage has type INTERNAL'
    problems.add(undefined, `${what}; exactly one of type INTERNAL is needed`)
  }
  for (const [one, more, allowed] of [
    [internal, internals, 'exactly one must have type INTERNAL'],
    [external, externals, 'at most one may have type EXTERNAL'],
  ] as const) {
    const [second] = more
    if (one === undefined || second === undefined) continue
    const all = [one, ...more].map(({ name, at }) => `${name} (line ${at.line})`).join(', ')
    problems.add(second.section.given.type?.at, `${allowed}, but there are ${more.length + 1}: ${all}`)
  }
}

/** The internal storage's may be that of the whole file. */
function targetOf({ given, wrong }: Section<typeof storageKeys>, globals: Section<typeof globalKeys>) {
  const isInternal = given.type?.value === 'internal'
  return given.target?.value ?? (isInternal && !wrong.has('target') ? globals.given.target?.value : undefined)
}

function completeStorage(
  { given, wrong }: Section<typeof storageKeys>,
  globals: Section<typeof globalKeys>,
  target: string | undefined,
  name: string,
  at: FilePosition,
  problems: Problems,
): GrimselStorage | undefined {
  const type = given.type?.value
  const isInternal = type === 'internal'
  const missing = (key: keyof typeof storageKeys, what: string): void => {
    if (given[key] === undefined && !wrong.has(key)) problems.add(at, `${name}: ${key} is missing: ${what}`)
  }
  missing('storageID', storageKeys.storageID.allowed)
  missing('type', storageKeys.type.allowed)
  const isInherited = (type === undefined || isInternal) && (globals.given.target ?? globals.wrong.has('target'))
  if (!isInherited) missing('target', 'the directory to copy to')
  if (given.mountpoint !== undefined && type !== undefined && !isInternal) {
    const hint = "required_mount is for 'copy only while it is mounted'"
    problems.note(given.mountpoint.at, `${name}: mountpoint is ignored for type ${type.toUpperCase()}; ${hint}`)
  }
  noteTargets(name, given.target, isInternal ? globals.given.target : undefined, problems)
  if (given.storageID === undefined || type === undefined || target === undefined) return undefined
  return {
    id: given.storageID.value,
    type,
    target,
    nCopyProcesses: given.n_copy_processes?.value ?? defaultProcesses(),
    mountpoint: isInternal ? given.mountpoint?.value : undefined,
    // What is called a mount point must be one: below it, where nothing is mounted, lies another disk.
    requiredMount: given.required_mount?.value ?? (isInternal ? given.mountpoint?.value : undefined),
    verify: given.verify?.value ?? globals.given.verify?.value ?? defaults.verify,
    durability: given.durability?.value ?? globals.given.durability?.value ?? defaults.durability,
  }
}

type FoundPath = Section<typeof storageKeys>['given']['target']

function noteTargets(name: string, own: FoundPath, general: FoundPath, problems: Problems): void {
  if (own === undefined || general === undefined || own.value === general.value) return
  problems.note(general.at, `target ${quoted(general.value)} is not used: ${name} has its own`)
}

/** The vendor's "between 8 and 20", by hardware. */
const defaultProcesses = (): number => Math.min(20, Math.max(8, 2 * availableParallelism()))
