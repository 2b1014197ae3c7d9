/**
 * TCP of Node. The only module of this package that imports `node:net`.
 *
 * Bytes are read straight into slabs that are never written twice, so every chunk may be kept as it is; a slab is
 * freed when the last view of it is gone.
 */
import * as Bytes from "@msgr2/wire/Bytes"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import * as Sockaddr from "@msgr2/wire/Sockaddr"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as net from "node:net"
import { Arrivals } from "./internal/Arrivals.ts"
import { Gate } from "./Gate.ts"
import { Slabs } from "./internal/Slabs.ts"
import { type Listener, type Pipe, Transport } from "./Transport.ts"
import { fromCode, TransportError } from "./TransportError.ts"

/** Bytes kept for a reader that does not come, before the kernel's window fills instead. */
const ARRIVALS = 1024 * 1024
/** Milliseconds that a closed socket waits for its peer to take something or to close too, before it is cut. */
const PATIENCE = 1000
/** How often it waits, so that a peer that takes a byte at a time cannot keep a scope from closing. */
const ROUNDS = 10
/** Accepted connections that may wait for `accept`. Ceph: `ms_tcp_listen_backlog`. */
const BACKLOG = 512

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined

const failure = (address: string, error: unknown): TransportError =>
  fromCode(address, codeOf(error), error instanceof Error ? error.message : String(error))

/** Where `socket` is, or what was asked for while it is nowhere. */
const addrOf = (host: string | undefined, port: number | undefined, otherwise: EntityAddr.EntityAddr) =>
  EntityAddr.make((host ?? "").replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.)/, ""), port ?? 0) ?? otherwise

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
        return !arrivals.full
      }
    }
  }
}

/** A socket that has to be let go of. */
interface Held {
  /** Waits until it is connected. */
  readonly pipe: Effect.Effect<Pipe, TransportError>
  readonly release: Effect.Effect<void>
}

const hold = (socket: net.Socket, receiver: Receiver, asked: EntityAddr.EntityAddr): Held => {
  const { arrivals } = receiver
  const name = EntityAddr.format(asked)
  const gate = new Gate()
  let connected = !socket.connecting
  let gone = false
  const end = (error: TransportError) => {
    arrivals.fail(error)
    gate.check()
  }
  receiver.attach(socket)
  socket.setNoDelay(true)
  socket.once("connect", () => {
    connected = true
    gate.check()
  })
  socket.on("end", () => end(new TransportError({ reason: "EndOfStream", address: name, detail: "" })))
  socket.on("error", (error) => end(failure(name, error)))
  socket.on("close", () => {
    gone = true
    end(new TransportError({ reason: "Reset", address: name, detail: "" }))
  })
  const makePipe = (): Pipe => ({
    local: addrOf(socket.localAddress, socket.localPort, EntityAddr.blank),
    remote: addrOf(socket.remoteAddress, socket.remotePort, asked),
    read: arrivals.read,
    write: (chunks, done) => {
      if (gone || socket.writableEnded) return
      const last = chunks.length - 1
      // Called back for every batch: `drain` events come only after the stream has asked for them.
      socket.cork()
      for (let i = 0; i < last; i++) socket.write(chunks[i] ?? Bytes.empty)
      socket.write(chunks[last] ?? Bytes.empty, (error) => {
        if (error === null || error === undefined) done?.()
        gate.check()
      })
      socket.uncork()
    },
    backlog: () => (gone ? 0 : socket.writableLength),
    drained: gate.when(() => gone || socket.writableLength === 0),
    end: () => {
      if (!gone) socket.end()
    }
  })
  return {
    pipe: Effect.flatMap(
      gate.when(() => connected || arrivals.failure !== undefined),
      () => (connected || arrivals.failure === undefined ? Effect.sync(makePipe) : Effect.fail(arrivals.failure))
    ),
    release: Effect.suspend(() => {
      arrivals.discard(new TransportError({ reason: "Closed", address: name, detail: "" }))
      return letGo(socket)
    })
  }
}

/** Bytes that the system has not taken. `writableLength` will not do: it stands still until a whole write is done. */
const queued = (socket: net.Socket): number => {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly writeQueueSize?: number } | null }
  return handle?.writeQueueSize ?? socket.writableLength
}

/**
 * After `end`, lets what was written leave, and reads on until the peer closes too: a socket closed over unread bytes
 * would reset the connection, and the peer could lose what it had not read yet.
 */
const letGo = (socket: net.Socket): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (socket.destroyed) return resume(Effect.void)
    if (!socket.writableEnded) {
      socket.destroy()
      return resume(Effect.void)
    }
    let left = queued(socket)
    let rounds = ROUNDS
    const watch = setInterval(() => {
      const before = left
      left = queued(socket)
      if (left === before || --rounds === 0) socket.destroy()
    }, PATIENCE)
    socket.once("close", () => {
      clearInterval(watch)
      resume(Effect.void)
    })
    socket.resume()
  })

const pipeOf = (make: () => Held): Effect.Effect<Pipe, TransportError, Scope.Scope> =>
  Effect.flatMap(
    Effect.acquireRelease(Effect.sync(make), ({ release }) => release),
    ({ pipe }) => pipe
  )

const connect = (address: EntityAddr.EntityAddr): Effect.Effect<Pipe, TransportError, Scope.Scope> =>
  Effect.suspend(() => {
    const name = EntityAddr.format(address)
    const host = Sockaddr.host(address.sockaddr)
    const port = Sockaddr.port(address.sockaddr)
    if (host === undefined || port === undefined || port === 0) {
      return Effect.fail(new TransportError({ reason: "NotNumeric", address: name, detail: "" }))
    }
    return pipeOf(() => {
      const receiver = makeReceiver()
      return hold(net.connect({ host, port, noDelay: true, onread: receiver.onread }), receiver, address)
    })
  })

/**
 * Gives an accepted socket a reader of our own. Node offers `onread` to dialled sockets only, so the handle moves to a
 * new one; where that is not to be had, `data` events serve.
 */
const adopt = (accepted: net.Socket): Held => {
  const receiver = makeReceiver()
  const remote = addrOf(accepted.remoteAddress, accepted.remotePort, EntityAddr.blank)
  const bare = accepted as unknown as { _handle: unknown }
  const handle = bare._handle
  if (handle !== null && typeof handle === "object" && "readStart" in handle && "useUserBuffer" in handle) {
    bare._handle = null
    const options = { handle, onread: receiver.onread } as unknown as net.SocketConstructorOpts
    return hold(new net.Socket(options), receiver, remote)
  }
  accepted.on("data", (chunk: Buffer) => {
    receiver.arrivals.push(chunk)
    if (receiver.arrivals.full) accepted.pause()
  })
  const held = hold(accepted, receiver, remote)
  accepted.resume()
  return held
}

/** What has come to a port and waits to be taken. */
interface Door {
  readonly visitors: Array<net.Socket>
  /** What the system has said since the last `accept`. */
  failed: TransportError | undefined
  readonly gate: Gate
}

const open = (host: string, port: number, name: string, door: Door): Effect.Effect<net.Server, TransportError> =>
  Effect.callback<net.Server, TransportError>((resume) => {
    const server = net.createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
      if (door.visitors.length >= BACKLOG) return void socket.destroy()
      door.visitors.push(socket)
      door.gate.check()
    })
    server.on("error", (error) => {
      door.failed = failure(name, error)
      resume(Effect.fail(door.failed))
      door.gate.check()
    })
    server.listen({ host, port, backlog: BACKLOG }, () => resume(Effect.succeed(server)))
  })

const listen = (address: EntityAddr.EntityAddr): Effect.Effect<Listener, TransportError, Scope.Scope> =>
  Effect.suspend(() => {
    const name = EntityAddr.format(address)
    const host = Sockaddr.host(address.sockaddr)
    const port = Sockaddr.port(address.sockaddr)
    if (host === undefined || port === undefined) {
      return Effect.fail(new TransportError({ reason: "NotNumeric", address: name, detail: "" }))
    }
    const door: Door = { visitors: [], failed: undefined, gate: new Gate() }
    return Effect.acquireRelease(open(host, port, name, door), (server) =>
      Effect.sync(() => {
        // Nothing to wait for: the port is free at once, and sockets that were accepted belong to their own scopes.
        server.close()
        for (const visitor of door.visitors) visitor.destroy()
      })
    ).pipe(
      Effect.map((server): Listener => {
        const bound = server.address()
        const found = typeof bound === "object" && bound !== null ? bound.port : port
        return {
          address: EntityAddr.make(host, found, address.nonce, address.type) ?? address,
          accept: acceptOne(door)
        }
      })
    )
  })

const acceptOne = (door: Door): Effect.Effect<Pipe, TransportError, Scope.Scope> =>
  Effect.flatMap(
    door.gate.when(() => door.visitors.length > 0 || door.failed !== undefined),
    () => {
      const { failed } = door
      door.failed = undefined
      if (failed !== undefined) return Effect.fail(failed)
      const visitor = door.visitors.shift()
      if (visitor === undefined) return acceptOne(door)
      return pipeOf(() => adopt(visitor))
    }
  )

/** TCP on this machine's network. */
export const layer: Layer.Layer<Transport> = Layer.succeed(Transport, Transport.of({ connect, listen }))
