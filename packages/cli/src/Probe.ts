/**
 * `msgr2 probe`: what a daemon tells anybody who asks, without a key.
 */
import * as FrameDecoder from "@msgr2/frame/FrameDecoder"
import * as FrameEncoder from "@msgr2/frame/FrameEncoder"
import * as Gather from "@msgr2/frame/Gather"
import * as Mode from "@msgr2/frame/Mode"
import { ConnectionError } from "@msgr2/messenger/ConnectionError"
import * as NodeTransport from "@msgr2/messenger/NodeTransport"
import { type Pipe, Transport } from "@msgr2/messenger/Transport"
import type { TransportError } from "@msgr2/messenger/TransportError"
import { ProtocolError } from "@msgr2/session/ProtocolError"
import * as AuthMethod from "@msgr2/wire/AuthMethod"
import type { Banner } from "@msgr2/wire/Banner"
import * as Bytes from "@msgr2/wire/Bytes"
import * as Codec from "@msgr2/wire/Codec"
import * as ConnectionMode from "@msgr2/wire/ConnectionMode"
import * as ControlFrame from "@msgr2/wire/ControlFrame"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import * as EntityName from "@msgr2/wire/EntityName"
import * as Features from "@msgr2/wire/Features"
import type { WireError } from "@msgr2/wire/WireError"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { CliError } from "./Failure.ts"
import * as Output from "./Output.ts"

/** What a daemon said of itself, and of how it sees us. */
export interface Findings {
  readonly address: string
  readonly banner: Banner
  readonly revision: "2.0" | "2.1"
  readonly entityType: string
  readonly seesUsAt: string
  readonly methods: ReadonlyArray<string>
  readonly modes: ReadonlyArray<string>
}

const ours: Banner = { supported: Features.Msgr2.Revision1 | Features.Msgr2.Compression, required: 0n }

/** Reads until `next` has something. */
const take = <A, E>(
  pipe: Pipe,
  decoder: FrameDecoder.FrameDecoder,
  next: () => Result.Result<A | undefined, E>
): Effect.Effect<A, E | TransportError> =>
  Effect.suspend(() => {
    const result = next()
    if (Result.isFailure(result)) return Effect.fail(result.failure)
    if (result.success !== undefined) return Effect.succeed(result.success)
    return Effect.flatMap(pipe.read, (chunks) => {
      for (const chunk of chunks) decoder.push(chunk)
      return take(pipe, decoder, next)
    })
  })

/** The frame, if it is the one that has to come now. */
const expect = <N extends ControlFrame.Name>(
  state: string,
  name: N,
  tag: number,
  payload: Uint8Array = Bytes.empty
): Effect.Effect<ControlFrame.Of<N>, WireError | ProtocolError> => {
  const codec = ControlFrame.codec(name)
  return codec.tag === tag
    ? Effect.fromResult(Codec.decodePrefix(codec, payload))
    : Effect.fail(
        new ProtocolError({ reason: "UnexpectedFrame", state, received: ControlFrame.cephName(tag), expected: name })
      )
}

/**
 * Exchanges banner and HELLO, then asks for a method that does not exist: the refusal lists those that do.
 *
 * **Errors** `ConnectionError`.
 */
export const probe = (
  target: EntityAddr.EntityAddr
): Effect.Effect<Findings, ConnectionError, Transport | Scope.Scope> => {
  const address = EntityAddr.format(target)
  let state = "BannerConnecting"
  return Effect.gen(function* () {
    const pipe = yield* (yield* Transport).connect(target)
    const decoder = FrameDecoder.make()
    const encoder = FrameEncoder.make()
    const out = Gather.make()
    const send = (frame: ControlFrame.ControlFrame) =>
      Effect.map(Effect.fromResult(encoder.control(out, frame)), () => pipe.write(out.take()))
    const receive = <N extends ControlFrame.Name>(name: N) =>
      Effect.flatMap(
        take(pipe, decoder, () => decoder.next()),
        ({ segments, tag }) => expect(state, name, tag, segments[0])
      )
    encoder.banner(out, ours)
    pipe.write(out.take())
    const banner = yield* take(pipe, decoder, () => decoder.banner())
    const revision = (banner.supported & Features.Msgr2.Revision1) === 0n ? 0 : 1
    decoder.setMode(Mode.crc(revision))
    encoder.setMode(Mode.crc(revision))
    state = "HelloConnecting"
    yield* send({ _tag: "Hello", entityType: EntityName.EntityType.Client, peerAddr: target })
    const hello = yield* receive("Hello")
    state = "AuthConnecting"
    const { Crc, Secure } = ConnectionMode.ConnectionMode
    yield* send({
      _tag: "AuthRequest",
      method: AuthMethod.AuthMethod.Unknown,
      preferredModes: [Secure, Crc],
      payload: new Uint8Array(0)
    })
    const refusal = yield* receive("AuthBadMethod")
    return {
      address,
      banner,
      revision: revision === 0 ? "2.0" : "2.1",
      entityType: EntityName.formatType(hello.entityType),
      seesUsAt: EntityAddr.format(hello.peerAddr),
      methods: refusal.allowedMethods.map(AuthMethod.format),
      modes: refusal.allowedModes.map(ConnectionMode.format)
    } satisfies Findings
  }).pipe(Effect.mapError((reason) => new ConnectionError({ peer: address, state, reason })))
}

const bits = (word: bigint): string => {
  const names = Object.entries(Features.Msgr2).flatMap(([name, bit]) => ((word & bit) === 0n ? [] : [name]))
  return `0x${word.toString(16)}${names.length === 0 ? "" : ` (${names.join(", ")})`}`
}

const plain = (found: Findings): string =>
  [
    ["address", found.address],
    ["speaks", `msgr${found.revision}`],
    ["supports", bits(found.banner.supported)],
    ["requires", bits(found.banner.required)],
    ["is a", found.entityType],
    ["sees us at", found.seesUsAt],
    ["auth methods", found.methods.join(", ")],
    ["modes", found.modes.join(", ")]
  ]
    .map(([name = "", value]) => `${name.padEnd(14)}${value}\n`)
    .join("")

const json = ({ banner, ...found }: Findings): string => {
  const hex = (word: bigint) => `0x${word.toString(16)}`
  const value = { ...found, supported: hex(banner.supported), required: hex(banner.required) }
  return `${JSON.stringify(value, undefined, 2)}\n`
}

export const command = Command.make(
  "probe",
  {
    address: Argument.String("address").pipe(Argument.withDescription("v2:IP:PORT of any Ceph daemon")),
    format: Flag.Literals("format", ["plain", "json"]).pipe(
      Flag.withDefault("plain"),
      Flag.withDescription("Form of the answer (default: plain)")
    ),
    timeout: Flag.Finite("timeout").pipe(
      Flag.withMetavar("SECONDS"),
      Flag.withDefault(10),
      Flag.withDescription("Give up after this long, more than 0 (default: 10)")
    )
  },
  ({ address, format, timeout }) =>
    Effect.gen(function* () {
      if (timeout <= 0) {
        return yield* new CliError({ message: `--timeout: expected a number of seconds above 0, got ${timeout}` })
      }
      const target = yield* Effect.fromResult(
        Result.mapError(EntityAddr.parse(address), (expected) => new CliError({ message: `expected ${expected}` }))
      )
      const found = yield* probe(target)
      yield* Output.write(format === "json" ? json(found) : plain(found))
    }).pipe(
      Effect.scoped,
      Effect.provide(NodeTransport.layer),
      Effect.timeoutOrElse({
        duration: `${timeout} seconds`,
        orElse: () =>
          Effect.fail(
            new CliError({ message: `timeout: ${address} did not answer within ${timeout} s; is it a msgr2 port?` })
          )
      })
    )
).pipe(Command.withDescription("Show what a daemon offers, without a key"))
