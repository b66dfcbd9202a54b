/** What is received: names of files, one a line. */
import { readFileSync } from 'node:fs'

/** @param {string} path @returns {string[]} */
export const readList = (path) => readFileSync(path, 'utf8').split('\n').filter(Boolean)
