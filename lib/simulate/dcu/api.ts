/**
 * The API: versions, configurations, states, commands, lists.
 * Source: paths and methods: SPEC16, SPEC18, DECTRIS `DEigerClient`, esrf-bliss/Lima-camera-eiger `Requests.cpp`. A PUT
 * of a value answers with the names of the values that changed; `keys` in place of a name, with the names there are.
 * What isn't known: that values and commands that can't be taken are answered with 400 and a line of text.
 */
import { json, notFound, text, wrongMethod } from './answers.js'
import { type DetectorCommand, detectorCommands, type SimulatedDetector } from './detector.js'
import { setDependent } from './detector-config.js'
import type { FileStore } from './files.js'
import { filesValue, filewriterStatus, filewriterStatusNames } from './filewriter.js'
import {
  checkPut,
  configForm,
  createParameters,
  type Parameter,
  type Parameters,
  statusForm,
  timeText,
} from './parameters.js'
import type { ApiPath } from './request.js'
import type { Answer } from './send.js'
import type { DcuSettings } from './settings.js'

/** What answers are made of. */
export interface ApiParts {
  readonly settings: DcuSettings
  readonly detector: SimulatedDetector
  readonly store: FileStore
  /** Names of files, as lists show them now. */
  readonly names: () => string[]
  /** `system/…/command/restart`: resolves when the detector is as after switching it on. */
  readonly restart: () => Promise<void>
}

/** A question or an order. */
export interface ApiRequest extends ApiPath {
  readonly method: string
  /** As it was sent. */
  readonly url: string
  /** Of a PUT. */
  readonly body: string
}

export type Api = (request: ApiRequest) => Promise<Answer>

/** The other modules have a mode and a state, since clients ask for them: nothing is streamed or monitored. */
const otherModules = ['monitor', 'stream', 'system']
const modules = ['detector', 'filewriter', ...otherModules]

export function createApi({ settings, detector, store, names, restart }: ApiParts): Api {
  const { traits, version } = settings
  const others = new Map(otherModules.map((module) => [module, createParameters({ mode: offMode })]))
  const configOf = (module: string): Parameters | undefined =>
    module === 'detector' ? detector.config : module === 'filewriter' ? detector.filewriter : others.get(module)

  function statusNames(module: string): string[] {
    if (module === 'filewriter') return filewriterStatusNames(settings)
    return module === 'detector' ? ['error', 'state', 'time'] : ['error', 'state']
  }

  function statusOf(module: string, name: string): Omit<Parameter, 'access'> | undefined {
    if (module === 'filewriter') {
      const state = { config: detector.filewriter, store, isBusy: detector.isWriting, names }
      return filewriterStatus(settings, state, name)
    }
    if (name === 'error') return { type: 'string[]', value: [] }
    if (name === 'state') return { type: 'string', value: module === 'detector' ? detector.state : 'disabled' }
    if (module === 'detector' && name === 'time') return { type: 'string', value: timeText(new Date()) }
    return undefined
  }

  function status({ module, name, url }: ApiRequest): Answer {
    if (name === 'keys') return json(statusNames(module))
    const form = (one: string): object | undefined => {
      const value = statusOf(module, one)
      return value && statusForm(traits, value)
    }
    if (name === '') return json(Object.fromEntries(statusNames(module).map((one) => [one, form(one)])))
    const found = form(name)
    return found === undefined ? notFound(url) : json(found)
  }

  function readConfig(config: Parameters, { name, url }: ApiRequest): Answer {
    if (name === 'keys') return json(config.names())
    const form = (one: string): object | undefined => {
      const parameter = config.get(one)
      return parameter && configForm(parameter)
    }
    if (name === '') return json(Object.fromEntries(config.names().map((one) => [one, form(one)])))
    const found = form(name)
    return found === undefined ? notFound(url) : json(found)
  }

  /** All or nothing. */
  function writeConfig(config: Parameters, request: ApiRequest): Answer {
    const given = parsed(request.body)
    if (given === undefined) return text(400, 'the body must be JSON, as in {"value": 1}')
    const isSeveral = request.name === '' && traits.setsSeveral
    const wanted = isSeveral ? Object.entries(given) : [[request.name, given] as const]
    const puts: (readonly [string, Parameter['value']])[] = []
    for (const [name, one] of wanted) {
      const parameter = config.get(name)
      if (parameter === undefined) return notFound(request.url)
      if (request.module === 'detector' && detector.state !== 'idle') {
        return text(400, `${name} can't be set: the detector is ${detector.state}, not idle`)
      }
      const put = checkPut(name, parameter, valueIn(one))
      if ('refused' in put) return text(400, put.refused)
      puts.push([name, put.value])
    }
    const changed = new Set<string>()
    for (const [name, value] of puts) {
      config.set(name, value)
      const all = request.module === 'detector' ? setDependent(config, name) : [name]
      for (const one of all) changed.add(one)
    }
    return json([...changed])
  }

  async function command({ module, name, url }: ApiRequest): Promise<Answer> {
    if (module === 'detector' && isDetectorCommand(name)) {
      const result = await detector.command(name)
      if ('refused' in result) return text(400, result.refused)
      return result.series === undefined ? done : json({ 'sequence id': result.series })
    }
    if (module === 'filewriter' && name === 'clear') store.removeAll('cleared')
    else if (module === 'filewriter' && name === 'initialize') detector.initializeFilewriter()
    else if (module === 'system' && name === 'restart') await restart()
    else if (!['monitor', 'stream'].includes(module) || !['clear', 'initialize'].includes(name)) return notFound(url)
    return done
  }

  /** `files` is the file writer's list; the bare form has been there since the first version. */
  function files(): Answer {
    const value = filesValue(settings, names())
    return json(traits.hasWrappedList ? statusForm(traits, { type: 'string[]', value }) : value)
  }

  return async (request) => {
    const { method, module, task, name, url } = request
    const config = configOf(module)
    if (!modules.includes(module) || config === undefined) return notFound(url)
    if (request.version === 'version' && task === '') return json({ value: version, value_type: 'string' })
    if (request.version !== version) return notFound(url)
    const isRead = method === 'GET' || method === 'HEAD'
    if (task === 'config') {
      return isRead
        ? readConfig(config, request)
        : method === 'PUT'
          ? writeConfig(config, request)
          : wrongMethod('GET, PUT')
    }
    if (task === 'status') return isRead ? status(request) : wrongMethod('GET')
    if (task === 'files' && module === 'filewriter' && name === '') return isRead ? files() : wrongMethod('GET')
    if (task === 'command' && name === 'keys' && isRead) return json(commandNames(module))
    if (task === 'command') return method === 'PUT' ? command(request) : wrongMethod('PUT')
    return notFound(url)
  }
}

const offMode: Parameter = { type: 'string', access: 'rw', allowed: ['disabled', 'enabled'], value: 'disabled' }
const done: Answer = { status: 200 }

const isDetectorCommand = (name: string): name is DetectorCommand => detectorCommands.some((one) => one === name)

function commandNames(module: string): readonly string[] {
  if (module === 'detector') return detectorCommands
  return module === 'system' ? ['restart'] : ['clear', 'initialize']
}

/** An object; undefined if it is none. */
function parsed(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined
  } catch {
    return undefined
  }
}

/** `{"value": …}`. */
function valueIn(one: unknown): unknown {
  return typeof one === 'object' && one !== null ? (one as Readonly<Record<string, unknown>>)['value'] : undefined
}
