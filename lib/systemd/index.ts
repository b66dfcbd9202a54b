/** What a service has to say to systemd. */
export { type Notifier, openNotifier } from './notifier.js'
export { type DescriptorStore, openStore } from './store.js'
export { startWatchdog } from './watchdog.js'
