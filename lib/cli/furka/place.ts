/** Where Furka is to be found. */
import { loadConfig } from '../../furka/config/index.js'
import { placeOf } from '../daemon/place.js'

export const place = placeOf({
  files: ['/etc/furka_dectris.json', '/etc/furka_dectris.conf'],
  load: loadConfig,
})
