/** Where Grimsel is to be found. */
import { loadConfig } from '../../grimsel/config/index.js'
import { placeOf } from '../daemon/place.js'

export { placeOptions } from '../daemon/place.js'
export { noPositionals, optionalOne } from '../positionals.js'

export const place = placeOf({ files: ['/etc/grimsel_dectris.conf'], load: loadConfig })

export const { placeHelp, socketOf } = place
