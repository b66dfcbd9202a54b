/** From the configuration to what a Furka is opened with. */
import type { FurkaConfig, GrimselLink } from '../config/index.js'
import type { FurkaOptions, GrimselTarget } from '../types.js'
import type { UserChange } from '../user.js'
import { sourceOf, transferOf } from './sources.js'

/** @param user Who it is from the start on; undefined: who was it last, or whom the configuration names. */
export function furkaOptions(config: FurkaConfig, user: UserChange | undefined): FurkaOptions {
  return {
    sources: config.detectors.map((detector) => ({
      source: sourceOf(detector, config.requiredMount),
      target: detector.target,
      ...transferOf(detector.source),
    })),
    journal: config.journalDirectory,
    defaultUser: config.user,
    user,
    grimsel: grimselTarget(config.grimsel),
    confirm: config.confirm,
    requiredMount: config.requiredMount,
  }
}

function grimselTarget(link: GrimselLink): GrimselTarget | undefined {
  if (link.by === 'none') return undefined
  return link.by === 'control' ? { control: link.path } : { pipe: link.path }
}
