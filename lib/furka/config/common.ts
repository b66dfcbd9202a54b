/** What both forms of file say for the whole of Furka. */
import { checkFiles, inWords, type PlacedPath, type Problems } from '../../config/index.js'
import { isWithin } from '../../paths.js'
import type { epuDefaults, ppuDefaults, ppuKinds } from './keys.js'
import type { Spelled } from './spelled.js'
import type { FurkaConfig, GrimselLink } from './types.js'

type CommonKinds = Omit<typeof ppuKinds, 'licensekey'>

/** The keys of the whole file, of either form. */
export type Common = Spelled<CommonKinds>

type Defaults = typeof epuDefaults | typeof ppuDefaults

/** @throws Nothing: what is wrong is added to the problems. */
export function checkCommon(common: Common, defaults: Defaults, problems: Problems): void {
  checkConfirm(common, defaults, problems)
  noteLinks(common, defaults, problems)
  const place = (name: keyof CommonKinds & keyof Defaults): PlacedPath | undefined => placeOf(common, defaults, name)
  // Those of Grimsel only where they are used.
  const link = linkOf(common, defaults)
  const peer = link.by === 'control' ? 'grimselSocket' : link.by === 'pipe' ? 'grimselPipe' : undefined
  const files = [place('logfile'), place('controlSocket'), peer === undefined ? undefined : place(peer)]
  const journal = place('journalDirectory')
  checkFiles(files, journal, problems)
  const mount = common.given.requiredMount
  if (journal !== undefined && mount !== undefined && isWithin(mount.value, journal.path)) {
    const shown = inWords({ key: common.spelling.requiredMount, path: mount.value, at: mount.at })
    problems.add(journal.at ?? mount.at, `${inWords(journal)} lies on ${shown}, whose content is lost`)
  }
}

function placeOf(
  { given, wrong, spelling }: Common,
  defaults: Defaults,
  name: keyof CommonKinds & keyof Defaults,
): PlacedPath | undefined {
  const path = given[name]?.value ?? defaults[name]
  return wrong.has(name) ? undefined : { key: spelling[name], path: String(path), at: given[name]?.at }
}

function linkOf({ given }: Common, defaults: Defaults): GrimselLink {
  const by = given.grimsel?.value ?? defaults.grimsel
  if (by === 'control') return { by, path: given.grimselSocket?.value ?? defaults.grimselSocket }
  if (by === 'pipe') return { by, path: given.grimselPipe?.value ?? defaults.grimselPipe }
  return { by }
}

function checkConfirm({ given, wrong, spelling }: Common, defaults: Defaults, problems: Problems): void {
  const { confirm } = given
  const by = given.grimsel?.value ?? defaults.grimsel
  if (confirm === undefined || confirm.value === 'buffer' || by === 'control' || wrong.has('grimsel')) return
  problems.add(
    confirm.at,
    `${spelling.confirm} ${confirm.value.toUpperCase()} needs ${spelling.grimsel} CONTROL, not ${by.toUpperCase()}: ` +
      'only by its control socket does Grimsel tell what is safe',
  )
}

function noteLinks({ given, wrong, spelling }: Common, defaults: Defaults, problems: Problems): void {
  if (wrong.has('grimsel')) return
  const by = given.grimsel?.value ?? defaults.grimsel
  for (const [name, use] of [
    ['grimselSocket', 'control'],
    ['grimselPipe', 'pipe'],
  ] as const) {
    const found = given[name]
    if (found === undefined || by === use) continue
    problems.note(found.at, `${spelling[name]} is not used: ${spelling.grimsel} is ${by.toUpperCase()}`)
  }
}

export function buildCommon(common: Common, defaults: Defaults): Omit<FurkaConfig, 'detectors'> {
  const { given } = common
  const grimsel = linkOf(common, defaults)
  return {
    logfile: given.logfile?.value ?? defaults.logfile,
    logfileMaxNumber: given.logfileMaxNumber?.value ?? defaults.logfileMaxNumber,
    logfileMaxSize: given.logfileMaxSize?.value ?? defaults.logfileMaxSize,
    user: {
      uid: given.uid?.value ?? defaults.uid,
      gid: given.gid?.value ?? defaults.gid,
      userDirectory: given.userDirectory?.value ?? defaults.userDirectory,
    },
    requiredMount: given.requiredMount?.value,
    journalDirectory: given.journalDirectory?.value ?? defaults.journalDirectory,
    controlSocket: given.controlSocket?.value ?? defaults.controlSocket,
    grimsel,
    confirm: given.confirm?.value ?? (grimsel.by === 'control' ? 'internal' : 'buffer'),
  }
}

/** The journal's directory, if it wasn't refused. */
export const journalOf = (common: Common, defaults: Defaults): string | undefined =>
  placeOf(common, defaults, 'journalDirectory')?.path
