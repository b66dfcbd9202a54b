/** What a journal asks of a disk. The real one is in disk.ts; tests and simulations put another in its place. */

/** A file that grows at its end. */
export interface AppendFile {
  /** Writes all of `bytes` at `position`; resolves when they are on stable storage. */
  append(bytes: Uint8Array, position: number): Promise<void>
  close(): Promise<void>
}

/** The files of one directory. Every method rejects with `SustenError`. */
export interface JournalFiles {
  /** For messages. */
  readonly directory: string
  /** Names of all files. */
  list(): Promise<string[]>
  /** All bytes of a file. */
  read(name: string): Promise<Buffer>
  /** Makes a file with this content; resolves when name and content are on stable storage. Until then it isn't there. */
  create(name: string, content: Uint8Array): Promise<AppendFile>
  /** Opens a file to append to it. */
  open(name: string): Promise<AppendFile>
  /** Makes durable what these files hold, and their names: a process that was killed may not have come to that. */
  settle(names: readonly string[]): Promise<void>
  /** Cuts a file off, durably. */
  truncate(name: string, length: number): Promise<void>
  /** Removes a file, durably. */
  remove(name: string): Promise<void>
  /** Gives back what it holds (a lock). */
  release(): Promise<void>
}
