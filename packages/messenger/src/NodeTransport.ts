/**
 * TCP of Node. The only module of this package that imports `node:net`.
 *
 * Bytes are read straight into slabs that are never written twice, so every chunk may be kept as it is; a slab is
 * freed when the last view of it is gone.
 */
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import * as Sockaddr from "@msgr2/wire/Sockaddr"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as net from "node:net"
import { Arrivals } from "./internal/Arrivals.ts"
import { Gate } from "./internal/Gate.ts"
import { type Listener, type Pipe, Transport } from "./Transport.ts"
import { fromCode, TransportError } from "./TransportError.ts"

/** Size of the first slab of a connection, and of every slab once it is busy. */
const FIRST_SLAB = 8 * 1024
const SLAB = 256 * 1024
/** Bytes kept for a reader that does not come, before the kernel's window fills instead. */
const ARRIVALS = 1024 * 1024
/** Milliseconds a closed socket may take to say goodbye before it is cut. */
const LINGER = 500

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined

const failure = (address: string, error: unknown): TransportError =>
  fromCode(address, codeOf(error), error instanceof Error ? error.message : String(error))

/** Where `socket` is, or what was asked for while it is nowhere. */
const addrOf = (host: string | undefined, port: number | undefined, otherwise: EntityAddr.EntityAddr) =>
  EntityAddr.make((host ?? "").replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.)/, ""), port ?? 0) ?? otherwise

/** Hands out room in slabs and the views of what was read into it. Slabs grow with the traffic. */
class Slabs {
  private slab = Buffer.allocUnsafeSlow(FIRST_SLAB)
  private used = 0

  readonly room = (): Buffer => {
    const { length } = this.slab
    if (length - this.used < length / 8) {
      this.slab = Buffer.allocUnsafeSlow(Math.min(SLAB, length * 4))
      this.used = 0
    }
    return this.slab.subarray(this.used)
  }

  filled(size: number): Uint8Array {
    const at = this.used
    this.used += size
    return new Uint8Array(this.slab.buffer, this.slab.byteOffset + at, size)
  }
}

interface Receiver {
  readonly onread: { readonly buffer: () => Buffer; readonly callback: (size: number) => boolean }
  attach: (socket: net.Socket) => void
  readonly arrivals: Arrivals
}

const makeReceiver = (): Receiver => {
  const slabs = new Slabs()
  let socket: net.Socket | undefined
  const arrivals = new Arrivals(ARRIVALS, () => socket?.resume())
  return {
    arrivals,
    attach: (attached) => {
      socket = attached
    },
    onread: {
      buffer: slabs.room,
      callback: (size) => {
        arrivals.push(slabs.filled(size))
        return !arrivals.full || socket?.writableEnded === true
      }
    }
  }
}

const makePipe = (socket: net.Socket, receiver: Receiver, asked: EntityAddr.EntityAddr): Pipe => {
  const { arrivals } = receiver
  const name = EntityAddr.format(asked)
  const gate = new Gate()
  let gone = false
  receiver.attach(socket)
  socket.setNoDelay(true)
  socket.on("drain", () => gate.check())
  socket.on("end", () => arrivals.fail(new TransportError({ reason: "EndOfStream", address: name, detail: "" })))
  socket.on("error", (error) => arrivals.fail(failure(name, error)))
  socket.on("close", () => {
    gone = true
    arrivals.fail(new TransportError({ reason: "Reset", address: name, detail: "" }))
    gate.check()
  })
  return {
    local: addrOf(socket.localAddress, socket.localPort, EntityAddr.blank),
    remote: addrOf(socket.remoteAddress, socket.remotePort, asked),
    read: arrivals.read,
    write: (chunks) => {
      if (gone || socket.writableEnded) return
      socket.cork()
      for (const chunk of chunks) socket.write(chunk)
      socket.uncork()
    },
    backlog: () => (gone ? 0 : socket.writableLength),
    drained: gate.when(() => gone || socket.writableLength === 0),
    end: () => {
      if (!gone) socket.end()
    }
  }
}

/**
 * Lets what was written leave, and reads on until the peer closes too: a socket closed over unread bytes would reset
 * the connection, and the peer could lose what it had not read yet.
 */
const release = (socket: net.Socket): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (socket.destroyed) return resume(Effect.void)
    const cut = setTimeout(() => socket.destroy(), LINGER)
    socket.once("close", () => {
      clearTimeout(cut)
      resume(Effect.void)
    })
    socket.end()
    socket.resume()
  })

const connect = (address: EntityAddr.EntityAddr): Effect.Effect<Pipe, TransportError, Scope.Scope> =>
  Effect.suspend(() => {
    const name = EntityAddr.format(address)
    const host = Sockaddr.host(address.sockaddr)
    const port = Sockaddr.port(address.sockaddr)
    if (host === undefined || port === undefined || port === 0) {
      return Effect.fail(new TransportError({ reason: "NotNumeric", address: name, detail: "" }))
    }
    const receiver = makeReceiver()
    return Effect.acquireRelease(
      Effect.callback<net.Socket, TransportError>((resume) => {
        const socket = net.connect({ host, port, noDelay: true, onread: receiver.onread })
        const onError = (error: Error) => resume(Effect.fail(failure(name, error)))
        socket.once("error", onError)
        socket.once("connect", () => {
          socket.off("error", onError)
          resume(Effect.succeed(socket))
        })
        return Effect.sync(() => socket.destroy())
      }),
      release,
      { interruptible: true }
    ).pipe(Effect.map((socket) => makePipe(socket, receiver, address)))
  })

/**
 * Gives an accepted socket a reader of our own. Node offers `onread` to dialled sockets only, so the handle moves to a
 * new one; where that is not to be had, `data` events serve.
 */
const adopt = (accepted: net.Socket): { readonly socket: net.Socket; readonly receiver: Receiver } => {
  const receiver = makeReceiver()
  const bare = accepted as unknown as { _handle: unknown }
  const handle = bare._handle
  if (handle !== null && typeof handle === "object" && "readStart" in handle && "useUserBuffer" in handle) {
    bare._handle = null
    const options = { handle, onread: receiver.onread } as unknown as net.SocketConstructorOpts
    const socket = new net.Socket(options)
    return { socket, receiver }
  }
  accepted.on("data", (chunk: Buffer) => {
    receiver.arrivals.push(chunk)
    if (receiver.arrivals.full) accepted.pause()
  })
  return { socket: accepted, receiver }
}

const listen = (address: EntityAddr.EntityAddr): Effect.Effect<Listener, TransportError, Scope.Scope> =>
  Effect.suspend(() => {
    const name = EntityAddr.format(address)
    const host = Sockaddr.host(address.sockaddr)
    const port = Sockaddr.port(address.sockaddr)
    if (host === undefined || port === undefined) {
      return Effect.fail(new TransportError({ reason: "NotNumeric", address: name, detail: "" }))
    }
    const visitors: Array<net.Socket> = []
    const gate = new Gate()
    let failed: TransportError | undefined
    return Effect.acquireRelease(
      Effect.callback<net.Server, TransportError>((resume) => {
        const server = net.createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
          visitors.push(socket)
          gate.check()
        })
        server.once("error", (error) => {
          failed = failure(name, error)
          resume(Effect.fail(failed))
          gate.check()
        })
        server.listen({ host, port, backlog: 512 }, () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.callback<void>((resume) => {
          for (const visitor of visitors) visitor.destroy()
          server.close(() => resume(Effect.void))
        }).pipe(Effect.timeoutOrElse({ duration: "1 second", orElse: () => Effect.void }))
    ).pipe(
      Effect.map((server): Listener => {
        const bound = server.address()
        const found = typeof bound === "object" && bound !== null ? bound.port : port
        return {
          address: EntityAddr.make(host, found, address.nonce, address.type) ?? address,
          accept: acceptOne(visitors, gate, () => failed)
        }
      })
    )
  })

const acceptOne = (
  visitors: Array<net.Socket>,
  gate: Gate,
  failed: () => TransportError | undefined
): Effect.Effect<Pipe, TransportError, Scope.Scope> =>
  Effect.flatMap(
    gate.when(() => visitors.length > 0 || failed() !== undefined),
    () => {
      const visitor = visitors.shift()
      if (visitor === undefined) {
        const error = failed()
        return error === undefined ? acceptOne(visitors, gate, failed) : Effect.fail(error)
      }
      return Effect.acquireRelease(
        Effect.sync(() => adopt(visitor)),
        ({ socket }) => release(socket)
      ).pipe(
        Effect.map(({ socket, receiver }) => {
          const pipe = makePipe(socket, receiver, addrOf(visitor.remoteAddress, visitor.remotePort, EntityAddr.blank))
          socket.resume()
          return pipe
        })
      )
    }
  )

/** TCP on this machine's network. */
export const layer: Layer.Layer<Transport> = Layer.succeed(Transport, Transport.of({ connect, listen }))
