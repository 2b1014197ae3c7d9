/**
 * Finds where the handlers of a machine lead, by running them.
 *
 * A table says which events a state takes; only its handlers know what comes of them. So every event of the catalogue
 * is tried in every state that is found, until nothing new comes of it.
 */
import { Action, Endpoint, type Event, Machine, Outbox, type State } from "@msgr2/session"
import { ControlFrame } from "@msgr2/wire"
import { clients, events, servers } from "./catalogue.ts"

export interface Edge {
  readonly from: State.State["_tag"]
  readonly event: string
  readonly to: State.State["_tag"]
}

export interface Found {
  readonly edges: ReadonlyArray<Edge>
  /** Entries of the table that nothing has led to, as `State Event`. */
  readonly unused: ReadonlyArray<string>
}

/** What stands for all frames that a state does not list. */
export const OTHER = "any other frame"

const frames = new Set<string>([...ControlFrame.all.map(({ name }) => name), "Message", "Banner"])
export const isFrame = (event: string): boolean => frames.has(event) || event === OTHER

type Answers = ReadonlyArray<Event.Event["_tag"]>
const verdicts: Answers = ["AuthAnswer", "AuthAccepted", "AuthRefused", "AuthBusy"]
const answers: { readonly [Q in Action.QuestionTag]: Answers } = {
  AuthBegin: ["AuthOffer"],
  AuthMore: ["AuthAnswer"],
  AuthNext: ["AuthOffer"],
  AuthFinish: ["AuthGranted"],
  AuthJudge: verdicts,
  AuthJudgeMore: verdicts,
  Sign: ["Signed"],
  Verify: ["Verified"],
  TakeGlobalSeq: ["GlobalSeqTaken"],
  Admit: ["Admitted"],
  Arbitrate: ["Admitted", "PutOff", "Stale", "Foreign", "HandedOver"]
}
/** By what a question can be answered. Who wants to return is not admitted as if new, and is not too late for that. */
const answersTo = (question: Action.Question): Answers =>
  question._tag === "Arbitrate" && question.request._tag === "Reconnect"
    ? answers.Arbitrate.filter((answer) => answer !== "Admitted" && answer !== "Stale")
    : answers[question._tag]
const answerTags = new Set<string>(Object.values(answers).flat())
export const isAnswer = (event: string): boolean => answerTags.has(event)

/** A state, and the answers to a question that is open: nothing is read before it has one. */
interface Node {
  readonly state: State.State
  readonly asked: Answers | undefined
}

/** States without a socket to read from. */
const silent = new Set<string>(["StartConnect", "StartAccept", "Wait", "Standby", "Closed"])

const mayHappen = ({ asked, state }: Node, event: string): boolean =>
  isAnswer(event)
    ? asked !== undefined && asked.some((answer) => answer === event)
    : !isFrame(event) || (asked === undefined && !silent.has(state._tag))

/** Numbers that only count are all alike. */
const few = (key: string, value: unknown): unknown => {
  if (key === "outbox") return Outbox.hasPending(value as Outbox.Outbox) ? "pending" : "none"
  if (key === "remote" || key === "peer" || key === "ident") return value === undefined ? 0 : 1
  if (key === "target" || key === "local" || key === "addrs" || key === "cookie") return 0
  if (key === "globalSeq" || key === "peerGlobalSeq" || key === "connectSeq") return 0
  if (key === "inSeq" || key === "outSeq" || key === "unreported") return 0
  if (key === "attempts") return Math.min(Number(value), 1)
  if (key === "rounds") return Number(value) > 0 ? (Number(value) >= MANY ? 2 : 1) : 0
  return typeof value === "bigint" ? Number(value !== 0n) : value
}
const keyOf = ({ asked, state }: Node): string => `${asked} ${JSON.stringify(state, few)}`

const MANY = 1000
/** A loop is walked once, and then to its end. */
const unrolled = (node: Node): ReadonlyArray<Node> => {
  const { state } = node
  const loops = <A extends { readonly rounds: number }>(part: A): A => ({ ...part, rounds: MANY })
  if ("visitor" in state && state.visitor.rounds > 0) {
    return [node, { ...node, state: { ...state, visitor: loops(state.visitor) } as State.State }]
  }
  if ("dial" in state && "rounds" in state.dial && state.dial.rounds > 0) {
    return [node, { ...node, state: { ...state, dial: loops(state.dial) } as State.State }]
  }
  if ("arrangement" in state && state.arrangement.dial.rounds > 0) {
    const arrangement = { ...state.arrangement, dial: loops(state.arrangement.dial) }
    return [node, { ...node, state: { ...state, arrangement } }]
  }
  return [node]
}

const openQuestion = (node: Node, event: string, actions: ReadonlyArray<Action.Action>): Node["asked"] => {
  const next = actions.findLast(Action.isQuestion)
  if (next !== undefined) return answersTo(next)
  const over =
    isAnswer(event) || actions.some(({ _tag }) => _tag === "Disconnect" || _tag === "Hangup" || _tag === "Opened")
  return over ? undefined : node.asked
}

type Rules = ReturnType<typeof Endpoint.clientTable>

const walk = (
  { initial, step }: Endpoint.Endpoint,
  rules: Rules,
  edges: Map<string, Edge>,
  used: Set<string>
): void => {
  const seen = new Set<string>()
  const todo: Array<Node> = [{ state: initial, asked: undefined }]
  for (let node = todo.pop(); node !== undefined; node = todo.pop()) {
    const key = keyOf(node)
    if (seen.has(key)) continue
    seen.add(key)
    const { state } = node
    const listed = new Set(Machine.allowed<State.State, Event.Event, Action.Action>(rules, state))
    // What a table does not list all goes one way, so one frame stands for the rest. What is no frame does not happen.
    const other = events.find(({ _tag }) => isFrame(_tag) && _tag !== "Banner" && !listed.has(_tag))
    for (const event of events) {
      const isListed = listed.has(event._tag)
      if (!mayHappen(node, event._tag) || (!isListed && event !== other)) continue
      const [next, actions] = step(state, event)
      const edge: Edge = { from: state._tag, event: isListed ? event._tag : OTHER, to: next._tag }
      edges.set(`${edge.from} ${edge.event} ${edge.to}`, edge)
      if (isListed) used.add(`${state._tag} ${event._tag}`)
      const asked = openQuestion(node, event._tag, actions)
      if (next !== state || asked !== node.asked) todo.push(...unrolled({ state: next, asked }))
    }
  }
}

const explore = (machines: ReadonlyArray<readonly [endpoint: Endpoint.Endpoint, rules: Rules]>): Found => {
  const edges = new Map<string, Edge>()
  const used = new Set<string>()
  for (const [endpoint, rules] of machines) walk(endpoint, rules, edges, used)
  const entries = machines.flatMap(([, rules]) =>
    Object.entries(rules).flatMap(([state, row]) => Object.keys(row ?? {}).map((event) => `${state} ${event}`))
  )
  return { edges: [...edges.values()], unused: [...new Set(entries)].filter((entry) => !used.has(entry)) }
}

export const client = (): Found =>
  explore(clients.map((options) => [Endpoint.client(options), Endpoint.clientTable(options)]))

export const server = (): Found =>
  explore(servers.map((options) => [Endpoint.server(options), Endpoint.serverTable(options)]))
