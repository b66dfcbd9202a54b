import { loadConfig } from '../../furka/config/index.js'
import { checkConfigCommand } from '../check-config.js'
import { summaryOf } from './config-summary.js'

export const checkConfig = checkConfigCommand({
  forms: 'in the form of /etc/furka_dectris.json or of /etc/furka_dectris.conf',
  load: loadConfig,
  summarise: summaryOf,
})
