/** Reads the JSON form: keys in one object, sections in a list of objects. */
import type { FilePosition } from '../errors.js'
import { type JsonMember, type JsonNode, readJson } from './json-reader.js'
import type { Problems } from './problems.js'
import type { Entry, Grammar, RawConfig, RawSection } from './raw.js'

/** Names the schema, for editors. */
const SCHEMA = '$schema'

export function readJsonConfig(text: string, { list }: Grammar, problems: Problems): RawConfig {
  const fail = (at: FilePosition, what: string): never => problems.fail(at, what)
  const root = readJson(text, fail)
  if (root.kind !== 'object') return fail(root.at, `the configuration must be an object, not ${describe(root)}`)
  const globals: Entry[] = []
  const special = new Map<string, JsonMember>()
  for (const member of root.members) {
    if (member.key !== list && member.key !== SCHEMA) {
      globals.push(entryOf(member))
      continue
    }
    const first = special.get(member.key)
    if (first === undefined) special.set(member.key, member)
    else problems.add(member.at, `${member.key} is given twice, first in line ${first.at.line}`)
  }
  const schema = special.get(SCHEMA)?.node
  if (schema !== undefined && schema.kind !== 'string') {
    problems.add(schema.at, `${SCHEMA} must be a string, not ${describe(schema)}`)
  }
  const sections = list === undefined ? [] : readSections(list, special.get(list)?.node, problems)
  return { form: 'json', globals, sections }
}

function readSections(list: string, node: JsonNode | undefined, problems: Problems): RawSection[] {
  if (node === undefined) return []
  if (node.kind !== 'list') {
    return problems.fail(node.at, `${list} must be a list of objects, not ${describe(node)}`)
  }
  const sections: RawSection[] = []
  for (const item of node.items) {
    if (item.kind === 'object') sections.push({ at: item.at, entries: item.members.map(entryOf) })
    else problems.add(item.at, `${list} must be a list of objects, not of ${describe(item)}`)
  }
  return sections
}

const entryOf = ({ key, at, node }: JsonMember): Entry => ({ key, at, value: { form: 'json', node } })

/** What kind of value it is, for messages. */
function describe(node: JsonNode): string {
  if (node.kind === 'null') return 'null'
  return node.kind === 'object' ? 'an object' : `a ${node.kind}`
}
