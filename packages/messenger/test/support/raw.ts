/** A peer that says what it is told to, frame by frame or byte by byte. */
import { Introduction } from "@msgr2/auth"
import { FrameDecoder, FrameEncoder, Gather } from "@msgr2/frame"
import { Banner, ControlFrame, type EntityAddr, EntityName, Features, Ids, Message } from "@msgr2/wire"
import { Effect, Fiber, Queue, Result, Scope } from "effect"
import * as net from "node:net"
import { type Connection, type ConnectionError, Transport, type TransportError } from "../../src/index.ts"
import { addr, admin, anywhere, Crc, dialler, Mon, open, type Options } from "./world.ts"

export const zeros = new Uint8Array(32)

/** One thing to say: a frame, the banner, or any bytes. */
export type Word = ControlFrame.ControlFrame | Message.Message | { readonly _tag: "Banner" } | Uint8Array

/** What both ends offer by default. */
const offered: Banner.Banner = { supported: Features.Msgr2.Revision1 | Features.Msgr2.Compression, required: 0n }

const ident = {
  gid: 0n,
  globalSeq: Ids.globalSeq(1n),
  supported: Features.pacific,
  required: 0n,
  flags: 1n,
  cookie: Ids.cookie(7n)
}
const somewhere = addr("127.0.0.1", 50_000, 77)

const banner = { _tag: "Banner" } as const
const hello = (entityType: number): Word => ({ _tag: "Hello", entityType, peerAddr: somewhere })
const signature: Word = { _tag: "AuthSignature", digest: zeros }

const request = (method: number): Word => ({
  _tag: "AuthRequest",
  method,
  preferredModes: [Crc],
  payload: Introduction.encode("monitor", admin, 0n)
})
const noCompression: Word = { _tag: "CompressionDone", isCompress: false, method: 0 }
const compressionWanted: Word = { _tag: "CompressionRequest", isCompress: false, preferredMethods: [] }

type Words = ReadonlyArray<readonly [state: string, word: Word]>

/** What a server says with method none, each with the state in which it finds the client. */
export const serverWords = (address: EntityAddr.EntityAddr): Words => [
  ["BannerConnecting", banner],
  ["HelloConnecting", hello(Mon)],
  ["AuthConnecting", { _tag: "AuthDone", globalId: Ids.globalId(4100n), mode: Crc, payload: new Uint8Array(0) }],
  ["AuthConnectingSign", signature],
  ["CompressionConnecting", noCompression],
  ["SessionConnecting", { _tag: "ServerIdent", addrs: [address], ...ident }]
]

/** What a client says with method none, each with the state in which it finds the server. */
export const clientWords = (target: EntityAddr.EntityAddr): Words => [
  ["BannerAccepting", banner],
  ["HelloAccepting", hello(EntityName.EntityType.Client)],
  ["AuthAccepting", request(1)],
  ["AuthAcceptingSign", signature],
  ["CompressionAccepting", compressionWanted],
  ["SessionAccepting", { _tag: "ClientIdent", addrs: [somewhere], target, ...ident }]
]

/** Every state of our ends in which they wait for a word of their peer. */
export const clientStates = [...serverWords(somewhere).map(([state]) => state), "Ready"]
export const serverStates = [
  ...clientWords(somewhere).map(([state]) => state),
  // Of a server that wants a key.
  "AuthAcceptingMore",
  "Ready"
]

/** Encodes what it is told to say; the numbers of messages count up. */
export class Speaker {
  readonly encoder = FrameEncoder.make()
  private readonly out = Gather.make()
  private seq = 0

  /** The bytes of `words`, one after the other. */
  say(...words: ReadonlyArray<Word>): Uint8Array {
    const { encoder, out } = this
    for (const word of words) {
      if (word instanceof Uint8Array) out.put(word)
      else if (word._tag === "Banner") encoder.banner(out, offered)
      else if (word._tag === "Message") Result.getOrThrow(encoder.message(out, word, ++this.seq, 0))
      else Result.getOrThrow(encoder.control(out, word))
    }
    return this.taken()
  }

  /** The bytes of a frame of any form. */
  frame(tag: number, segments: ReadonlyArray<Uint8Array>, oddities?: FrameEncoder.Oddities): Uint8Array {
    Result.getOrThrow(this.encoder.frame(this.out, tag, segments, oddities))
    return this.taken()
  }

  private taken(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.out.take()))
  }
}

/** Bytes in chunks, and the frames among them that `next` asks for. */
export class Listener {
  readonly decoder = FrameDecoder.make()
  private readonly pipe: Transport.Pipe

  constructor(pipe: Transport.Pipe) {
    this.pipe = pipe
  }

  private take<A, E>(next: () => Result.Result<A | undefined, E>): Effect.Effect<A, unknown> {
    return Effect.suspend(() => {
      const taken = next()
      if (Result.isFailure(taken)) return Effect.fail(taken.failure)
      if (taken.success !== undefined) return Effect.succeed(taken.success)
      return Effect.flatMap(this.pipe.read, (chunks) => {
        for (const chunk of chunks) this.decoder.push(chunk)
        return this.take(next)
      })
    })
  }

  readonly banner = Effect.suspend(() => this.take(() => this.decoder.banner()))
  readonly frame = Effect.suspend(() => this.take(() => this.decoder.next()))

  /** Reads up to and including the first frame with this name. */
  until(name: ControlFrame.Name): Effect.Effect<ControlFrame.ControlFrame, unknown> {
    return Effect.flatMap(this.frame, ({ segments, tag }) => {
      if (tag === ControlFrame.MESSAGE || ControlFrame.codec(name).tag !== tag) return this.until(name)
      return Effect.fromResult(ControlFrame.decode(tag, segments[0] ?? new Uint8Array(0)))
    })
  }
}

/** Reads whatever comes until the end and gives the reason for it. */
export const drain = (pipe: Transport.Pipe) => Effect.flip(Effect.forever(pipe.read))

/** A listener whose visitors are the test's own. */
export const listen = Effect.flatMap(Transport.Transport, (transport) => transport.listen(anywhere))
export const dial = (address: EntityAddr.EntityAddr) =>
  Effect.flatMap(Transport.Transport, (transport) => transport.connect(address))

/** An end of ours that was brought to some state, by a peer that has said no more than that takes. */
export interface Brought {
  readonly pipe: Transport.Pipe
  readonly speaker: Speaker
  /** The error with which our end ends. */
  readonly ended: Effect.Effect<ConnectionError.ConnectionError>
  /** Our end, once it is READY. */
  readonly ready: Effect.Effect<Connection.Connection, ConnectionError.ConnectionError>
}

const before = (words: Words, state: string): ReadonlyArray<Word> => {
  const at = words.findIndex(([each]) => each === state)
  return words.slice(0, at < 0 ? words.length : at).map(([, word]) => word)
}

/** The end that dials lives until `dialling` closes, by default as long as the other. */
type Living = Options & { readonly dialling?: Scope.Scope }

/** Brings one of our clients to `state`. */
export const bringClient = Effect.fnUntraced(function* (state: string, { dialling, ...options }: Living = {}) {
  const listener = yield* listen
  const connect = (yield* dialler(options))(listener.address)
  const dialled = yield* Scope.provide(Effect.forkScoped(connect), dialling ?? (yield* Effect.scope))
  const interrupt = Fiber.interrupt(dialled)
  const pipe = yield* listener.accept
  const speaker = new Speaker()
  pipe.write([speaker.say(...before(serverWords(listener.address), state))])
  const ready = Fiber.join(dialled)
  const ended = state === "Ready" ? Effect.flatMap(ready, ({ closed }) => closed) : ready
  const brought: Brought = {
    pipe,
    speaker,
    ready,
    ended: Effect.orDie(Effect.flip<unknown, ConnectionError.ConnectionError, never>(ended))
  }
  return { ...brought, interrupt }
})

/** Brings one of our servers to `state`. */
export const bringServer = Effect.fnUntraced(function* (state: string, { dialling, ...options }: Living = {}) {
  const withKey = state === "AuthAcceptingMore"
  const world = yield* open({ auth: withKey ? "cephx" : "none", ...options })
  const pipe = yield* Scope.provide(dial(world.address), dialling ?? (yield* Effect.scope))
  const speaker = new Speaker()
  const words = clientWords(world.address)
  pipe.write([speaker.say(...(withKey ? [...before(words, "AuthAccepting"), request(2)] : before(words, state)))])
  return { pipe, speaker, ready: Queue.take(world.accepted), ended: Queue.take(world.ended) } satisfies Brought
})

/** Every state of both our ends in which they wait for a peer. */
export const places: ReadonlyArray<{
  readonly end: "client" | "server"
  readonly state: string
  readonly bring: (
    options?: Options
  ) => Effect.Effect<Brought, TransportError.TransportError, Transport.Transport | Scope.Scope>
}> = [
  ...clientStates.map((state) => ({
    end: "client" as const,
    state,
    bring: (options?: Options) => bringClient(state, options)
  })),
  ...serverStates.map((state) => ({
    end: "server" as const,
    state,
    bring: (options?: Options) => bringServer(state, options)
  }))
]

/** A server of TCP that says what brings a client to `state`, takes everything, and never closes by itself. */
export const stubborn = (state: string, then: (socket: net.Socket) => void = () => {}) => {
  const sockets = new Set<net.Socket>()
  return Effect.acquireRelease(
    Effect.callback<net.Server>((resume) => {
      const server = net.createServer({ allowHalfOpen: true }, (socket) => {
        sockets.add(socket)
        socket.on("error", () => {})
        socket.resume()
        socket.write(new Speaker().say(...before(serverWords(own(server)), state)))
        then(socket)
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        server.close()
        for (const socket of sockets) socket.destroy()
      })
  ).pipe(Effect.map(own))
}

const own = (server: net.Server): EntityAddr.EntityAddr => {
  const bound = server.address()
  return addr("127.0.0.1", typeof bound === "object" && bound !== null ? bound.port : 0)
}
