/** Two ends and the frames between them, with answers that need no keys. */
import { ConnectionMode, EntityAddr, EntityName, Features, Ids, Message } from "@msgr2/wire"
import { Result } from "effect"
import { Action, Endpoint, type Event, Options, Policy, type State } from "../src/index.ts"

export const addr = (text: string): EntityAddr.EntityAddr => Result.getOrThrow(EntityAddr.parse(text))
export const serverAddr = addr("v2:127.0.0.1:3300/0")
export const clientSocket = addr("v2:127.0.0.1:50000/0")

export const clientOptions: Options.Client = {
  ...Options.defaults,
  entityType: EntityName.EntityType.Client,
  nonce: 77,
  target: serverAddr,
  targetType: EntityName.EntityType.Mon,
  policy: Policy.losslessClient
}

/** A client that is content with one attempt: what would be tried again by another ends this one. */
export const onceOptions: Options.Client = { ...clientOptions, retries: 0 }

export const serverOptions: Options.Server = {
  ...Options.defaults,
  entityType: EntityName.EntityType.Mon,
  gid: 0n,
  addrs: [serverAddr],
  policies: { otherwise: Policy.statefulServer }
}

/** What an end did, besides moving on. */
export interface Log {
  readonly sent: Array<string>
  readonly delivered: Array<number>
  readonly commands: Array<Action.Action>
}

export interface End {
  readonly endpoint: Endpoint.Endpoint
  state: State.State
  readonly inbound: Array<Event.Event>
  readonly log: Log
}

export const makeEnd = (endpoint: Endpoint.Endpoint): End => ({
  endpoint,
  state: endpoint.initial,
  inbound: [],
  log: { sent: [], delivered: [], commands: [] }
})

const payload = new Uint8Array(0)
const admitted: Event.Event = { _tag: "Admitted", cookie: Ids.cookie(0xbeefn), globalSeq: Ids.globalSeq(9n) }

/** Answers that every test agrees with, unless it says otherwise. */
export const answers = (question: Action.Question): Event.Event => {
  switch (question._tag) {
    case "AuthBegin":
    case "AuthNext":
      return { _tag: "AuthOffer", method: 2, modes: [ConnectionMode.ConnectionMode.Secure, 1], payload }
    case "AuthMore":
      return { _tag: "AuthAnswer", payload }
    case "AuthFinish":
      return { _tag: "AuthGranted" }
    case "AuthJudge":
      return { _tag: "AuthAnswer", payload }
    case "AuthJudgeMore":
      return {
        _tag: "AuthAccepted",
        globalId: Ids.globalId(4100n),
        mode: 2,
        payload,
        name: { type: EntityName.EntityType.Client, id: "admin" }
      }
    case "Sign":
      return { _tag: "Signed", digest: new Uint8Array(32) }
    case "Verify":
      return { _tag: "Verified", valid: true }
    case "TakeGlobalSeq":
      return { _tag: "GlobalSeqTaken", globalSeq: Ids.globalSeq(question.above + 1n) }
    // Nobody knows the client.
    case "Arbitrate":
      return question.request._tag === "ClientIdent"
        ? admitted
        : { _tag: "PutOff", frame: { _tag: "ResetSession", full: true } }
    case "Admit":
      return admitted
  }
}

/** Takes `event` at `end` and gives what it sends to `peer`. */
export const feed = (end: End, peer: End, event: Event.Event, ask = answers): void => {
  const [next, actions] = end.endpoint.step(end.state, event)
  end.state = next
  for (const action of actions) {
    end.log.commands.push(action)
    switch (action._tag) {
      case "SendBanner":
        end.log.sent.push("Banner")
        peer.inbound.push({ _tag: "Banner", supported: 3n, required: 0n })
        break
      case "Send":
        end.log.sent.push(action.frame._tag)
        peer.inbound.push(action.frame)
        break
      case "SendMessage":
        end.log.sent.push(`Message ${action.seq}`)
        peer.inbound.push({
          ...action.message,
          header: { ...action.message.header, seq: Ids.msgSeq(action.seq), ackSeq: Ids.msgSeq(action.ackSeq) }
        })
        break
      case "Deliver":
        end.log.delivered.push(action.message.header.seq)
        break
      default:
        if (Action.isQuestion(action)) feed(end, peer, ask(action), ask)
    }
  }
}

/** Hands over what is in flight, one event at a time and in turn, until nothing is. */
export const settle = (left: End, right: End, ask = answers): void => {
  while (left.inbound.length + right.inbound.length > 0) {
    const toLeft = left.inbound.shift()
    if (toLeft !== undefined) feed(left, right, toLeft, ask)
    const toRight = right.inbound.shift()
    if (toRight !== undefined) feed(right, left, toRight, ask)
  }
}

export interface Pair {
  readonly client: End
  readonly server: End
}

/** Two ends that have just been given a socket. */
export const dial = (
  client: Options.Client = clientOptions,
  server: Options.Server = serverOptions,
  ask = answers
): Pair => {
  const pair = { client: makeEnd(Endpoint.client(client)), server: makeEnd(Endpoint.server(server)) }
  const globalSeq = Ids.globalSeq(1n)
  const cookie = Ids.cookie(0xc00c1en)
  feed(pair.client, pair.server, { _tag: "Connected", globalSeq, cookie, local: clientSocket }, ask)
  feed(pair.server, pair.client, { _tag: "Accepted", remote: clientSocket }, ask)
  return pair
}

/** Two ends as far as they get by themselves. */
export const meet = (
  client: Options.Client = clientOptions,
  server: Options.Server = serverOptions,
  ask = answers
): Pair => {
  const pair = dial(client, server, ask)
  settle(pair.client, pair.server, ask)
  return pair
}

export const ready = (end: End): Extract<State.State, { readonly _tag: "Ready" }> => {
  if (end.state._tag === "Ready") return end.state
  throw new Error(`not Ready: ${JSON.stringify(end.state, (_, v) => (typeof v === "bigint" ? `${v}` : v))}`)
}

export const closedFor = (end: End): string | undefined =>
  end.state._tag === "Closed" ? (end.state.error?.reason ?? "no error") : undefined

/** Why an end last let go of a socket, whatever became of the session. */
export const droppedFor = (end: End): string | undefined => {
  const drop = end.log.commands.findLast((action) => action._tag === "Disconnect" || action._tag === "Hangup")
  return drop === undefined ? undefined : (drop.error?.reason ?? "no error")
}

export const message = (type = 2): Message.Message => Message.make({ type })
export const required = Features.required
