/** Conversations that nobody recorded: said here, frame by frame. */
import { FrameEncoder, Gather, Mode } from "@msgr2/frame"
import { Bytes, type ControlFrame, EntityAddr, Features, Ids, Message } from "@msgr2/wire"
import { Redacted, Result } from "effect"
import type { Saying } from "./recording.ts"

const address = (port: number) => EntityAddr.make("127.0.0.1", port) ?? EntityAddr.blank

/** One end of a conversation; what it says lands in `sayings`. */
class Speaker {
  readonly #encoder = FrameEncoder.make()
  readonly #direction: Saying["direction"]
  readonly #sayings: Array<Saying>
  mode: Mode.Mode = Mode.crc(1)

  constructor(direction: Saying["direction"], sayings: Array<Saying>) {
    this.#direction = direction
    this.#sayings = sayings
  }

  #say(write: (out: Gather.Gather) => void): void {
    const out = Gather.make()
    write(out)
    this.#sayings.push({ direction: this.#direction, bytes: Bytes.concat(out.take()) })
  }

  setMode(mode: Mode.Mode): void {
    this.mode = mode
    this.#encoder.setMode(mode)
  }

  banner(supported: bigint): void {
    this.#say((out) => this.#encoder.banner(out, { supported, required: 0n }))
  }

  control(frame: ControlFrame.ControlFrame): void {
    this.#say((out) => Result.getOrThrow(this.#encoder.control(out, frame)))
  }

  message(message: Message.Message, seq: number): void {
    this.#say((out) => Result.getOrThrow(this.#encoder.message(out, message, seq, 0)))
  }

  raw(tag: number, segments: ReadonlyArray<Uint8Array>, oddities?: FrameEncoder.Oddities): void {
    this.#say((out) => Result.getOrThrow(this.#encoder.frame(out, tag, segments, oddities)))
  }
}

export interface Options {
  /** What both banners offer. */
  readonly supported?: bigint
  readonly payload?: Uint8Array
  /** Secure mode with this secret. */
  readonly secret?: Uint8Array
}

export interface Conversation {
  readonly sayings: Array<Saying>
  readonly client: Speaker
  readonly server: Speaker
}

/** A conversation up to AUTH_DONE, without keys. */
export const start = (options: Options = {}): Conversation => {
  const { payload = Bytes.empty, secret, supported = Features.Msgr2.Revision1 | Features.Msgr2.Compression } = options
  const sayings: Array<Saying> = []
  const client = new Speaker("c2s", sayings)
  const server = new Speaker("s2c", sayings)
  const revision = (supported & Features.Msgr2.Revision1) === 0n ? 0 : 1
  for (const speaker of [client, server]) speaker.banner(supported)
  for (const speaker of [client, server]) speaker.setMode(Mode.crc(revision))
  client.control({ _tag: "Hello", entityType: 8, peerAddr: address(3300) })
  server.control({ _tag: "Hello", entityType: 1, peerAddr: address(50_000) })
  client.control({ _tag: "AuthRequest", method: 1, preferredModes: [1], payload })
  server.control({
    _tag: "AuthDone",
    globalId: Ids.globalId(4100n),
    mode: secret === undefined ? 1 : 2,
    payload: Bytes.empty
  })
  if (secret !== undefined) {
    const as = (role: "client" | "server") =>
      Result.getOrThrow(Mode.secure({ role, revision, secret: Redacted.make(secret) }))
    client.setMode(as("client"))
    server.setMode(as("server"))
  }
  for (const speaker of [client, server]) speaker.control({ _tag: "AuthSignature", digest: new Uint8Array(32) })
  return { sayings, client, server }
}

/** A message of a kind that is not decoded further. */
export const message = (data: Uint8Array): Message.Message => Message.make({ type: 42, data })
