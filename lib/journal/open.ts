import type { Journal, JournalOptions } from './journal.js'

/** Opens the journal in a directory, making it if there is none. */
export declare function openJournal(options: JournalOptions): Promise<Journal>
