/**
 * The ends of a plan, set up as it says.
 */
import { AuthClient } from "@msgr2/auth/AuthClient"
import { AuthServer } from "@msgr2/auth/AuthServer"
import * as KeyServer from "@msgr2/auth/KeyServer"
import * as CompressionMethod from "@msgr2/frame/CompressionMethod"
import type { Transport } from "@msgr2/messenger/Transport"
import * as CompressionPolicy from "@msgr2/session/CompressionPolicy"
import * as Policy from "@msgr2/session/Policy"
import { AuthMethod } from "@msgr2/wire/AuthMethod"
import { ConnectionMode } from "@msgr2/wire/ConnectionMode"
import * as EntityName from "@msgr2/wire/EntityName"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Plan, PolicyName } from "../Plan.ts"
import type { SimNetwork } from "../SimNetwork.ts"
import { Simulation } from "../Simulation.ts"
import type { Ledger } from "./Ledger.ts"
import { Station } from "./Station.ts"

export type Wrap = (transport: Context.Service.Shape<typeof Transport>) => Context.Service.Shape<typeof Transport>

/** A port that servers serve on. */
const PORT = 6800
/** Sessions of those who do not come back end in the time that there is for things to come right. */
const SESSION = Duration.seconds(60)

const { Client, Mon } = EntityName.EntityType

const policies: { readonly [P in PolicyName]: readonly [client: Policy.Policy, server: Policy.Policy] } = {
  lossy: [Policy.lossyClient, Policy.statelessServer],
  stateful: [Policy.losslessClient, Policy.statefulServer],
  peers: [Policy.losslessPeer, Policy.losslessPeer],
  reuse: [Policy.losslessPeerReuse, Policy.losslessPeerReuse]
}

const entity = (id: string): EntityName.EntityName => ({ type: Client, id })

const clientAuth = (id: string, keys: KeyServer.KeyServer | undefined) => {
  const name = entity(id)
  const key = keys?.keyring.get(EntityName.format(name))?.key
  return AuthClient.layer(
    key === undefined ? { name, methods: [AuthMethod.None] } : { name, key, modes: [ConnectionMode.Secure] }
  )
}

const millis = (value: number | null): Duration.Duration | undefined =>
  value === null ? undefined : Duration.millis(value)

/** With everybody, of both kinds, encrypted or not. */
const compressing = (name: Plan["settings"]["compression"]): CompressionPolicy.CompressionPolicy =>
  name === null
    ? CompressionPolicy.defaults
    : {
        mode: "force",
        methods: Result.getOrThrow(CompressionMethod.parseList(name)),
        minSize: 64,
        secure: true,
        peerTypes: [Mon, Client]
      }

/** Everybody who takes part. `wrap` is put around each transport. */
export const make = Effect.fnUntraced(function* (
  plan: Plan,
  network: SimNetwork,
  ledger: Ledger,
  wrap: Wrap = (transport) => transport
): Effect.fn.Return<ReadonlyArray<Station>, never, Simulation> {
  const world = yield* Simulation
  const star = plan.policy === "lossy" || plan.policy === "stateful"
  const [clientPolicy, serverPolicy] = policies[plan.policy]
  const { compression, keepalive, outbox, patience, receiveBuffer, secure, sendBuffer } = plan.settings
  const keys = secure ? yield* KeyServer.generate(plan.ends.map(entity)) : undefined
  const serverAuth = keys === undefined ? AuthServer.layerNone() : AuthServer.layerCephx({ keyServer: keys })
  const [first] = plan.ends
  return plan.ends.map((name, i) => {
    const isServer = !star || name === first
    const host = network.host(name)
    return new Station({
      host,
      transport: wrap(host.transport),
      config: {
        entityType: isServer ? Mon : Client,
        gid: BigInt(i + 1),
        clientPolicy,
        serverPolicies: { otherwise: serverPolicy },
        sendBuffer,
        receiveBuffer,
        compression: compressing(compression),
        outboxMessages: outbox,
        sessionTimeout: SESSION,
        keepaliveInterval: millis(keepalive),
        keepaliveTimeout: millis(patience)
      },
      clientAuth: clientAuth(name, keys),
      serving: isServer ? { address: host.address(PORT), auth: serverAuth } : undefined,
      peerType: Mon,
      mayDial: (to) => to !== name && (!star || to === first),
      nameOf: (gid) => plan.ends[Number(gid) - 1] ?? "nobody",
      addressOf: (to) => network.host(to).address(PORT),
      impatient: patience !== null,
      others: plan.ends.filter((other) => other !== name),
      ledger,
      network,
      world
    })
  })
})
