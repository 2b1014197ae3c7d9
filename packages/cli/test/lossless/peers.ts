/**
 * Ends of ours that pose as an OSD, as a monitor or as a client of CephFS, so that a real daemon takes them for a peer
 * whose session lasts.
 */
import { type Connection, type ConnectionError, Messenger, type MessengerConfig, Observer } from "@msgr2/messenger"
import { Policy } from "@msgr2/session"
import type { FaultProxy } from "@msgr2/testing"
import { type ControlFrame, type EntityAddr, EntityName, type Message } from "@msgr2/wire"
import { Duration, Effect, Layer, Option, Queue, Stream } from "effect"
import * as clusters from "./clusters.ts"
import * as credentials from "./credentials.ts"
import * as Faulty from "./Faulty.ts"
import * as Traffic from "./Traffic.ts"

const { Client, Mds, Mon, Osd } = EntityName.EntityType

/** A part to play. */
export interface Pose {
  readonly entityType: number
  readonly peerType: number
  readonly policy: Policy.Policy
  readonly target: (daemons: clusters.Daemons) => EntityAddr.EntityAddr
  readonly traffic: (fsid: string) => Traffic.Traffic
  readonly name: string
  /** Caps of a key of its own; without, it has the one that is there. */
  readonly caps: ReadonlyArray<string>
  /** Peers of equal rank dial each other; a client of CephFS is never dialled. */
  readonly listens: boolean
}

export const poses = {
  osd: {
    entityType: Osd,
    peerType: Osd,
    policy: Policy.losslessPeer,
    target: ({ osd }) => osd,
    traffic: (fsid) => Traffic.command(fsid),
    name: "osd.99",
    caps: ["mon", "allow profile osd", "osd", "allow *"],
    listens: true
  },
  mon: {
    entityType: Mon,
    peerType: Mon,
    policy: Policy.losslessPeerReuse,
    target: ({ monitors }) => clusters.only(monitors),
    traffic: () => Traffic.version,
    name: "mon.",
    caps: [],
    listens: true
  },
  mds: {
    entityType: Client,
    peerType: Mds,
    policy: Policy.losslessClient,
    target: ({ mds }) => mds,
    traffic: () => Traffic.renewal,
    name: "client.admin",
    caps: [],
    listens: false
  }
} as const satisfies { readonly [name: string]: Pose }

/** Frames that tell how a session is begun, resumed or lost. */
const opening: ReadonlyArray<string> = [
  "ClientIdent",
  "ServerIdent",
  "Reconnect",
  "ReconnectOk",
  "RetrySession",
  "RetryGlobal",
  "ResetSession",
  "Wait"
] satisfies ReadonlyArray<ControlFrame.Name>

/** How often each of these frames has come and gone: `in Wait`, `out Reconnect` ... */
export type Seen = { [frame: string]: number }

export const watching = (seen: Seen) =>
  Effect.provideService(Observer.Observer, ({ direction, frame }) => {
    if (frame === undefined || !opening.includes(frame._tag)) return
    const name = `${direction} ${frame._tag}`
    seen[name] = (seen[name] ?? 0) + 1
  })

/** What all ends of ours have in common: they come back soon, and notice when nothing comes any more. */
export const patience: Partial<MessengerConfig.MessengerConfig> = {
  backoff: { initial: 20, max: 200 },
  handshakeTimeout: Duration.seconds(1),
  keepaliveInterval: Duration.millis(500),
  keepaliveTimeout: Duration.seconds(1)
}

export interface Play {
  readonly connection: Connection.Connection
  readonly traffic: Traffic.Traffic
  readonly seen: Seen
}

/** Opens a session with a daemon in this part, through proxies with these plans, and uses it. */
export const play = <A, E, R>(
  pose: Pose,
  found: clusters.Daemons,
  protection: credentials.Protection,
  plans: Faulty.Options,
  use: (play: Play) => Effect.Effect<A, E, R>
) => {
  const seen: Seen = {}
  // Also decides who is the smaller in a race.
  const nonce = 1 + Math.floor(Math.random() * 0x7fff_fffe)
  const { entityType, peerType, policy } = pose
  const config = { ...patience, entityType, gid: BigInt(nonce), nonce, clientPolicy: policy }
  const messenger = Messenger.Messenger.layer({ ...config, serverPolicies: { otherwise: policy } })
  return Effect.gen(function* () {
    const { connect, serve } = yield* Messenger.Messenger
    if (protection.auth === "cephx" && peerType !== Mon) yield* Effect.scoped(credentials.login(pose, found))
    if (pose.listens) {
      yield* serve(found.free(0, nonce), () => Effect.never).pipe(
        Effect.provide(credentials.judging(pose, found, protection))
      )
    }
    const connection = yield* connect(pose.target(found), { peerType })
    return yield* use({ connection, traffic: pose.traffic(found.fsid), seen })
  }).pipe(
    Effect.scoped,
    watching(seen),
    Effect.provide(messenger.pipe(Layer.provideMerge(Faulty.layer(plans)))),
    Effect.provide(credentials.showing(pose, found, protection, nonce))
  )
}

/** Requests that wait for their answers at the same time. */
const WINDOW = 16

/** How long to wait for an answer before asking something else. */
const IMPATIENCE = Duration.millis(1500)

/**
 * Goes on asking until `enough`, and then until everything is answered.
 *
 * Where no answer comes one more question is asked: a peer with nothing to send stands by when its link is lost, and one
 * that does not know of the loss waits too.
 */
export const exchange = Effect.fnUntraced(function* <E, R>(
  { connection, traffic }: Pick<Play, "connection" | "traffic">,
  enough: (asked: number) => Effect.Effect<boolean, E, R>
) {
  const ledger = new Traffic.Ledger(traffic)
  const heard = yield* Queue.unbounded<Message.Message, ConnectionError.ConnectionError>()
  yield* Stream.runForEach(connection.messages, (message) => Queue.offer(heard, message)).pipe(
    Effect.onError((cause) => Queue.failCause(heard, cause)),
    Effect.forkScoped
  )
  if (traffic.opening !== undefined) {
    yield* connection.send(traffic.opening.request)
    while (!traffic.opening.answers(yield* Queue.take(heard))) {}
  }
  for (;;) {
    const done = yield* enough(ledger.verdict.asked)
    if (done && ledger.open === 0) return ledger.verdict
    if (!done) while (ledger.open < WINDOW) yield* connection.send(ledger.next())
    const message = yield* Effect.timeoutOption(Queue.take(heard), IMPATIENCE)
    if (Option.isSome(message)) ledger.take(message.value)
    else yield* connection.send(ledger.next())
  }
}, Effect.scoped)

/** Faults so far, of every kind. */
export const faults = ({ faults: { Close, Deafen, Reset } }: FaultProxy.Counts): number => Close + Deafen + Reset
