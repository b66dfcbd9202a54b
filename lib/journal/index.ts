export type { AppendFile, JournalFiles } from './files.js'
export type { Journal, JournalOptions, JournalStats, ListedState } from './journal.js'
export { openJournal, salvageJournal } from './open.js'
export { tierList } from './record-format.js'
