export type { Journal, JournalOptions, JournalStats } from './journal.js'
export { openJournal } from './open.js'
