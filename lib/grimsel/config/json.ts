/** Reads the JSON form: the keys of the vendor's form, the storages in a list. */
import type { FilePosition } from '../../errors.js'
import { type JsonMember, type JsonNode, readJson } from './json-reader.js'
import type { Problems } from './problems.js'
import type { Entry, RawConfig, RawStorage } from './raw.js'

/** The list of storages. */
const STORAGES = 'storages'

/** Names the schema, for editors. */
const SCHEMA = '$schema'

export function readJsonConfig(text: string, problems: Problems): RawConfig {
  const fail = (at: FilePosition, what: string): never => problems.fail(at, what)
  const root = readJson(text, fail)
  if (root.kind !== 'object') return fail(root.at, `the configuration must be an object, not ${describe(root)}`)
  const globals: Entry[] = []
  const special = new Map<string, JsonMember>()
  for (const member of root.members) {
    if (member.key !== STORAGES && member.key !== SCHEMA) {
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
  return { form: 'json', globals, storages: readStorages(special.get(STORAGES)?.node, problems) }
}

function readStorages(node: JsonNode | undefined, problems: Problems): RawStorage[] {
  if (node === undefined) return []
  if (node.kind !== 'list') {
    return problems.fail(node.at, `${STORAGES} must be a list of objects, not ${describe(node)}`)
  }
  const storages: RawStorage[] = []
  for (const item of node.items) {
    if (item.kind === 'object') storages.push({ at: item.at, entries: item.members.map(entryOf) })
    else problems.add(item.at, `${STORAGES} must be a list of objects, not of ${describe(item)}`)
  }
  return storages
}

const entryOf = ({ key, at, node }: JsonMember): Entry => ({ key, at, value: { form: 'json', node } })

/** What kind of value it is, for messages. */
function describe(node: JsonNode): string {
  if (node.kind === 'null') return 'null'
  return node.kind === 'object' ? 'an object' : `a ${node.kind}`
}
