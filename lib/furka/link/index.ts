/** Grimsel, whichever way it is reached. */
import type { CompleteGrimsel } from '../options.js'
import { linkToControl } from './control.js'
import type { Link } from './link.js'
import { linkToPipe } from './pipe.js'
import { linkToProcess } from './process.js'

export { createHandingOver, type HandingOver } from './handing-over.js'
export type { Link } from './link.js'

export function openLink(grimsel: CompleteGrimsel): Link {
  switch (grimsel.by) {
    case 'process':
      return linkToProcess(grimsel.grimsel)
    case 'control':
      return linkToControl(grimsel.path, grimsel.trust)
    case 'pipe':
      return linkToPipe(grimsel.path)
  }
}
