import { loadConfig } from '../../grimsel/config/index.js'
import { checkConfigCommand } from '../check-config.js'
import { summaryOf } from './config-summary.js'

export const checkConfig = checkConfigCommand({
  forms: 'in the form of /etc/grimsel_dectris.conf or as JSON',
  load: loadConfig,
  summarise: summaryOf,
})
