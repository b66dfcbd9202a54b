/**
 * From a seq to where its record lies in the log, and ordered lists of seqs (pending on a storage, failed on it), in
 * typed arrays outside the JavaScript heap. Seqs are counted up, so pages of consecutive ones are well filled.
 */

/** Seqs of a page. */
const PAGE = 256
/** 32-bit words that hold a list's bit of each seq of a page. */
const LIST_WORDS = PAGE / 32
/** Page layout: segment of each seq (0: none), position of each, bits of list 0, bits of list 1, … */
const BITS = 2 * PAGE

interface Page {
  words: Uint32Array
  used: number
}

export class SeqIndex {
  readonly #pages = new Map<number, Page>()
  /** Numbers of the pages, ascending. */
  readonly #order: number[] = []
  readonly #counts: number[] = []
  #size = 0
  /** The page that was last looked at: a seq is looked at several times, and so are its neighbours. */
  #last: Page | undefined
  #lastNumber: number | undefined

  get size(): number {
    return this.#size
  }

  /** The segment of a seq's record; 0 if there is none. */
  segment(seq: number): number {
    return this.#find(Math.floor(seq / PAGE))?.words[seq % PAGE] ?? 0
  }

  /** Where in its segment a seq's record lies. */
  position(seq: number): number {
    return this.#find(Math.floor(seq / PAGE))?.words[PAGE + (seq % PAGE)] ?? 0
  }

  /** Adds a seq, or says where its record lies now. */
  place(seq: number, segment: number, position: number): void {
    const page = this.#page(Math.floor(seq / PAGE))
    const at = seq % PAGE
    if (page.words[at] === 0) {
      page.used += 1
      this.#size += 1
    }
    page.words[at] = segment
    page.words[PAGE + at] = position
  }

  /** Removes a seq, from all lists too. */
  remove(seq: number): void {
    const number = Math.floor(seq / PAGE)
    const page = this.#find(number)
    const at = seq % PAGE
    if (page === undefined || page.words[at] === 0) return
    for (let list = 0; list < listsOf(page); list++) this.unmark(list, seq)
    page.words[at] = 0
    page.used -= 1
    this.#size -= 1
    if (page.used > 0) return
    this.#pages.delete(number)
    this.#lastNumber = undefined
    this.#order.splice(this.#indexOf(number), 1)
  }

  /** Puts a seq that is there on a list. */
  mark(list: number, seq: number): void {
    const page = this.#page(Math.floor(seq / PAGE))
    if (listsOf(page) <= list) widen(page, list + 1)
    const word = wordOf(list, seq)
    const bit = 1 << (seq % 32)
    const bits = page.words[word] ?? 0
    if (bits & bit) return
    page.words[word] = bits | bit
    this.#counts[list] = this.count(list) + 1
  }

  unmark(list: number, seq: number): void {
    const page = this.#find(Math.floor(seq / PAGE))
    if (page === undefined || !this.isMarked(list, seq)) return
    const word = wordOf(list, seq)
    page.words[word] = (page.words[word] ?? 0) & ~(1 << (seq % 32))
    this.#counts[list] = this.count(list) - 1
  }

  isMarked(list: number, seq: number): boolean {
    const page = this.#find(Math.floor(seq / PAGE))
    if (page === undefined || listsOf(page) <= list) return false
    return ((page.words[wordOf(list, seq)] ?? 0) & (1 << (seq % 32))) !== 0
  }

  /** Number of lists on which a seq could be. */
  lists(seq: number): number {
    const page = this.#find(Math.floor(seq / PAGE))
    return page === undefined ? 0 : listsOf(page)
  }

  count(list: number): number {
    return this.#counts[list] ?? 0
  }

  /** The first seq of a list above `after`; -1 if there is none. */
  next(list: number, after: number): number {
    if (this.count(list) === 0) return -1
    return this.#scan(after, (page, from) => {
      if (listsOf(page) <= list) return -1
      for (let word = from >>> 5; word < LIST_WORDS; word++) {
        let bits = page.words[BITS + list * LIST_WORDS + word] ?? 0
        if (word === from >>> 5) bits &= -1 << (from % 32)
        if (bits !== 0) return word * 32 + 31 - Math.clz32(bits & -bits)
      }
      return -1
    })
  }

  /** The first seq of all above `after`; -1 if there is none. */
  nextOfAll(after: number): number {
    return this.#scan(after, (page, from) => {
      for (let at = from; at < PAGE; at++) if (page.words[at] !== 0) return at
      return -1
    })
  }

  #scan(after: number, first: (page: Page, from: number) => number): number {
    const begin = Math.max(0, Math.floor(after) + 1)
    for (let i = this.#indexOf(Math.floor(begin / PAGE)); i < this.#order.length; i++) {
      const number = this.#order[i] ?? 0
      const page = this.#pages.get(number)
      if (page === undefined) continue
      const at = first(page, Math.max(0, begin - number * PAGE))
      if (at !== -1) return number * PAGE + at
    }
    return -1
  }

  /** Where in the order a page is, or would be. */
  #indexOf(number: number): number {
    let low = 0
    let high = this.#order.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#order[middle] ?? 0) < number) low = middle + 1
      else high = middle
    }
    return low
  }

  #find(number: number): Page | undefined {
    if (number !== this.#lastNumber) {
      this.#last = this.#pages.get(number)
      this.#lastNumber = number
    }
    return this.#last
  }

  #page(number: number): Page {
    const known = this.#find(number)
    if (known !== undefined) return known
    const made = { words: new Uint32Array(BITS + Math.max(2, this.#counts.length) * LIST_WORDS), used: 0 }
    this.#pages.set(number, made)
    this.#lastNumber = undefined
    const last = this.#order[this.#order.length - 1] ?? -1
    if (number > last) this.#order.push(number)
    else this.#order.splice(this.#indexOf(number), 0, number)
    return made
  }
}

const listsOf = (page: Page): number => (page.words.length - BITS) / LIST_WORDS
const wordOf = (list: number, seq: number): number => BITS + list * LIST_WORDS + ((seq % PAGE) >>> 5)

function widen(page: Page, lists: number): void {
  const wider = new Uint32Array(BITS + lists * LIST_WORDS)
  wider.set(page.words)
  page.words = wider
}
