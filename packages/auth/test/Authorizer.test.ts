import { assert, describe, it } from "@effect/vitest"
import {
  Authorizer,
  AuthorizerClient,
  AuthorizerServer,
  CephXClient,
  Cipher,
  CryptoKey,
  Entropy,
  MonPass,
  MonRequest,
  RotatingSecrets,
  Sealed,
  SealedTicket,
  Ticket,
  type Tickets
} from "@msgr2/auth"
import { Bytes, Codec, EntityName } from "@msgr2/wire"
import { Redacted, Result } from "effect"
import { clientToOsd, type Conversation, monToMon, osdToOsd } from "./goldens/authorizers.ts"
import { handshakes } from "./goldens/handshakes.ts"
import { admin, aes, counting, failure, hex, scripted, success } from "./support.ts"

const { Mon, Osd, Mgr, Auth } = EntityName.EntityType
const text = Bytes.toHex

/** Entropy that hands out these 64-bit numbers. */
const numbers = (...list: ReadonlyArray<bigint>): Entropy.Entropy => {
  const rest = [...list]
  return (size) => {
    assert.strictEqual(size, 8)
    return Codec.encode(Codec.u64, rest.shift() ?? assert.fail("no more numbers"))
  }
}

const read = (payload: string) => success(Codec.decode(Authorizer.CephXAuthorizer, hex(payload)))
const nonceOf = (sessionKey: CryptoKey.CryptoKey, payload: string) =>
  success(Sealed.open(sessionKey, Cipher.Usage.Authorize, Authorizer.CephXAuthorize, read(payload).sealed)).nonce
const challengeOf = (sessionKey: CryptoKey.CryptoKey, payload: string) =>
  success(Sealed.open(sessionKey, Cipher.Usage.AuthorizeChallenge, Authorizer.CephXAuthorizeChallenge, hex(payload)))
    .serverChallenge

/** The client's half of a recorded conversation, with the recorded nonce: the payloads must come out the same. */
const replay = (pass: Tickets.Pass, { request, challenge, answer, done }: Conversation, mode: number) => {
  const entropy = numbers(nonceOf(pass.ticket.sessionKey, request))
  const [first, shown] = success(AuthorizerClient.show(pass, entropy))
  assert.strictEqual(text(first), request)
  const [second, answered] = success(AuthorizerClient.answer(shown, hex(challenge), entropy))
  assert.strictEqual(text(second), answer)
  return success(AuthorizerClient.finish(answered, { mode, payload: hex(done) }))
}

/** The service's half, with the recorded challenge. */
const judge = (
  secrets: AuthorizerServer.Secrets,
  sessionKey: CryptoKey.CryptoKey,
  { request, challenge, answer, done }: Conversation,
  at: number
) => {
  const entropy = numbers(challengeOf(sessionKey, challenge))
  const [asked, challenged] = success(AuthorizerServer.challenge(secrets, hex(request), 1, at, entropy))
  assert.strictEqual(text(asked), challenge)
  const grant = success(AuthorizerServer.answer(secrets, challenged, hex(answer), entropy))
  assert.strictEqual(text(grant.payload), done)
  return grant
}

const held = (service: number, sessionKey: CryptoKey.CryptoKey, blob: Ticket.CephXTicketBlob): Tickets.Held => ({
  service,
  sessionKey,
  blob,
  expiresAt: Number.MAX_SAFE_INTEGER,
  renewAt: Number.MAX_SAFE_INTEGER
})

describe("Between OSDs of Ceph 18.2.7", () => {
  const { at, conversation, globalId, keys, login } = osdToOsd
  const [key, peerKey] = [success(CryptoKey.parse(keys["osd.0"])), success(CryptoKey.parse(keys["osd.1"]))]
  const name = { type: Osd, id: "0" }
  const { tickets } = success(
    CephXClient.finish(
      { name, key, otherKeys: 0x35 },
      { _tag: "Proved" },
      { globalId, mode: 1, payload: hex(login) },
      at
    )
  )
  const ticket = tickets.services.get(Osd) ?? assert.fail("no ticket")
  const rotating = success(MonRequest.rotated(peerKey, hex(osdToOsd.rotating.reply)))

  it("the ticket that a monitor gave is the one shown", () => {
    assert.deepStrictEqual(ticket.blob, read(conversation.request).ticket)
    assert.deepStrictEqual(ticket.blob, read(conversation.answer).ticket)
  })

  it("the client's payloads are the recorded ones and the answer is good", () => {
    const session = replay({ globalId, ticket }, conversation, 1)
    assert.deepStrictEqual(Redacted.value(session.sessionKey), CryptoKey.secretBytes(ticket.sessionKey))
    assert.strictEqual(session.globalId, globalId)
    assert.strictEqual(Redacted.value(session.connectionSecret).length, 0)
  })

  it("the service's payloads are the recorded ones, made with the secrets that a monitor gave", () => {
    const grant = judge({ service: Osd, rotating }, ticket.sessionKey, conversation, at)
    assert.deepStrictEqual(grant.name, name)
    assert.strictEqual(grant.globalId, globalId)
    assert.deepStrictEqual([...grant.caps], [["osd", "allow *"]])
    assert.isFalse(grant.allowAll)
    assert.deepStrictEqual(Redacted.value(grant.sessionKey), CryptoKey.secretBytes(ticket.sessionKey))
  })

  it("the ticket has the bytes that Ceph gave it", () => {
    const secret = RotatingSecrets.find(rotating, ticket.blob.secretId) ?? assert.fail("no such secret")
    const info = success(SealedTicket.open(secret, ticket.blob))
    assert.deepStrictEqual(
      success(Sealed.seal(secret, Cipher.Usage.TicketInfo, Ticket.CephXServiceTicketInfo, info, scripted())),
      ticket.blob.blob
    )
    assert.strictEqual(info.ticket.expires.sec - info.ticket.created.sec, 3600)
  })

  it("the conversation of one connection is worth nothing on another", () => {
    const secrets = { service: Osd, rotating }
    const [, challenged] = success(
      AuthorizerServer.challenge(secrets, hex(conversation.request), 1, at, numbers(0x1234n))
    )
    assert.strictEqual(failure(AuthorizerServer.answer(secrets, challenged, hex(conversation.answer), scripted())), -13)
  })

  it("the ticket is refused once it has expired", () => {
    const secrets = { service: Osd, rotating }
    const challenge = (now: number) =>
      AuthorizerServer.challenge(secrets, hex(conversation.request), 1, now, scripted())
    assert.isTrue(Result.isSuccess(challenge(at + 3_500_000)))
    assert.strictEqual(failure(challenge(at + 3_600_000)), -13)
  })
})

describe("Between monitors of Ceph 18.2.7", () => {
  const { at, conversation } = monToMon
  const key = success(CryptoKey.parse(monToMon.key))
  const { ticket: blob } = read(conversation.request)
  const info = success(SealedTicket.open(key, blob))
  const secrets = { service: Mon, rotating: RotatingSecrets.empty, longLived: key }

  it("the ticket is what we make, but for moments and keys", () => {
    const { globalId, ticket } = success(MonPass.make(key, at, scripted()))
    assert.strictEqual(ticket.blob.secretId, blob.secretId)
    assert.strictEqual(globalId, read(conversation.request).globalId)
    assert.strictEqual(ticket.service, read(conversation.request).serviceId)
    const ours = success(SealedTicket.open(key, ticket.blob))
    const { created, expires, ...rest } = ours.ticket
    assert.deepStrictEqual({ ...rest, created: info.ticket.created, expires: info.ticket.expires }, info.ticket)
    assert.deepStrictEqual(info.ticket.name, { type: Mon, id: "" })
    assert.strictEqual(expires.sec - created.sec, info.ticket.expires.sec - info.ticket.created.sec)
    assert.strictEqual(ours.sessionKey.type, info.sessionKey.type)
    assert.deepStrictEqual(CryptoKey.secretBytes(ours.sessionKey), CryptoKey.secretBytes(ticket.sessionKey))
    assert.deepStrictEqual(
      success(Sealed.seal(key, Cipher.Usage.TicketInfo, Ticket.CephXServiceTicketInfo, info, scripted())),
      blob.blob
    )
  })

  it("the payloads of both sides are the recorded ones", () => {
    const session = replay({ globalId: 0n, ticket: held(Mon, info.sessionKey, blob) }, conversation, 1)
    assert.strictEqual(session.globalId, 0n)
    const grant = judge(secrets, info.sessionKey, conversation, at)
    assert.deepStrictEqual([EntityName.format(grant.name), grant.globalId, grant.caps.size], ["mon.", 0n, 0])
  })

  it("a service without the key of mon. does not let a monitor in", () => {
    const { longLived: _, ...without } = secrets
    for (const refusing of [without, { ...secrets, longLived: aes(counting(0, 16)) }]) {
      const answer = AuthorizerServer.challenge(refusing, hex(conversation.request), 1, at, scripted())
      assert.strictEqual(failure(answer), -13)
    }
  })
})

describe("Between a client and an OSD", () => {
  it("of Ceph 18.2.7 in secure mode the OSD's answer carries the connection secret", () => {
    const { conversation, globalId, sessionKey } = clientToOsd
    const ticket = held(Osd, aes(hex(sessionKey)), read(conversation.request).ticket)
    const session = replay({ globalId, ticket }, conversation, 2)
    assert.strictEqual(Redacted.value(session.connectionSecret).length, 64)
    const sealed = success(Codec.decode(Codec.bytes, hex(conversation.done)))
    const usage = Cipher.Usage.AuthorizeReply
    const reply = success(Sealed.open(ticket.sessionKey, usage, Authorizer.CephXAuthorizeReply, sealed))
    assert.deepStrictEqual(
      success(Sealed.seal(ticket.sessionKey, usage, Authorizer.CephXAuthorizeReply, reply, scripted())),
      sealed
    )
  })

  // The client library of Ceph 16.2.15 and an OSD that it accepted; the ticket is opaque.
  it("the client's payloads are those of Ceph 16.2.15", () => {
    const { client, server } = handshakes.find(({ name }) => name === "authorizer, crc") ?? assert.fail("no golden")
    const payload = (frames: typeof client, name: string, skipped: number) => {
      const bytes = hex(frames.find(([found]) => found === name)?.[1] ?? "")
      return text(bytes.subarray(32 + skipped, 32 + new DataView(bytes.buffer).getUint32(2, true)))
    }
    const conversation = {
      request: payload(client, "AUTH_REQUEST", 20),
      challenge: payload(server, "AUTH_REPLY_MORE", 4),
      answer: payload(client, "AUTH_REQUEST_MORE", 4),
      done: payload(server, "AUTH_DONE", 16)
    }
    const ticket = held(Osd, aes(new Uint8Array(16).fill(4)), read(conversation.request).ticket)
    replay({ globalId: 4242n, ticket }, conversation, 1)
    assert.strictEqual(challengeOf(ticket.sessionKey, conversation.challenge), 0x2222_2222_2222_2222n)
  })
})

const now = 1_700_000_000_000
const rotating = RotatingSecrets.rotate(RotatingSecrets.empty, now, 3600, scripted(3))
const secrets: AuthorizerServer.Secrets = { service: Osd, rotating }
const [secretId, { key: secret }] = RotatingSecrets.current(rotating, now) ?? assert.fail("no secret")
const holder: SealedTicket.Holder = { name: admin, globalId: 4242n, caps: "allow r", lifetime: 3600, keyType: 1 }

/** A pass made with the service's own secret. */
const pass = (wish: Partial<SealedTicket.Holder> = {}, id = secretId, key = secret): Tickets.Pass => {
  const { blob, sessionKey } = success(SealedTicket.mint({ id, key }, { ...holder, ...wish }, now, scripted(5)))
  return { globalId: holder.globalId, ticket: held(Osd, sessionKey, blob) }
}

const request = (from: Tickets.Pass) => success(AuthorizerClient.show(from, scripted(6)))
const challenge = (payload: Uint8Array, mode = 1) =>
  AuthorizerServer.challenge(secrets, payload, mode, now, scripted(7))
const refused = (from: Tickets.Pass) => failure(challenge(request(from)[0]))

/** The scene up to the answer: what both sides have when the client is about to prove itself. */
const scene = (mode = 1, from = pass()) => {
  const [first, shown] = request(from)
  const [asked, challenged] = success(challenge(first, mode))
  const [second, answered] = success(AuthorizerClient.answer(shown, asked, scripted(8)))
  return { first, shown, asked, challenged, second, answered }
}
const answer = (challenged: AuthorizerServer.Challenged, payload: Uint8Array) =>
  AuthorizerServer.answer(secrets, challenged, payload, scripted(9))

describe("A service", () => {
  it("lets in who has a good ticket, and both sides have the same secrets", () => {
    for (const mode of [1, 2]) {
      const { challenged, second, answered } = scene(mode)
      const grant = success(answer(challenged, second))
      const session = success(AuthorizerClient.finish(answered, { mode, payload: grant.payload }))
      assert.deepStrictEqual(Redacted.value(session.sessionKey), Redacted.value(grant.sessionKey))
      assert.deepStrictEqual(Redacted.value(session.connectionSecret), Redacted.value(grant.connectionSecret))
      assert.strictEqual(Redacted.value(grant.connectionSecret).length, mode === 2 ? 64 : 0)
      assert.deepStrictEqual([...grant.caps], [["osd", "allow r"]])
      assert.deepStrictEqual([grant.name, grant.globalId], [admin, 4242n])
    }
  })

  // Ids 1, 2 and 3 of a fresh cluster all work with an OSD of Ceph 20.2.4.
  it("takes tickets under any of the secrets it holds, and under no other", () => {
    for (const [id, { key }] of rotating.secrets)
      assert.isTrue(Result.isSuccess(challenge(request(pass({}, id, key))[0])))
    for (const id of [0n, 4n, SealedTicket.LONG_LIVED]) assert.strictEqual(refused(pass({}, id)), -13)
    assert.strictEqual(refused(pass({}, secretId, aes(counting(0, 16)))), -13)
    assert.strictEqual(refused(pass({}, 1n)), -13)
  })

  it("refuses tickets for other services", () => {
    const good = pass()
    for (const service of [Mon, Mgr, Auth, 0, 0xff]) {
      assert.strictEqual(refused({ ...good, ticket: { ...good.ticket, service } }), -13)
    }
    const others = AuthorizerServer.challenge({ ...secrets, service: Mgr }, request(good)[0], 1, now, scripted())
    assert.strictEqual(failure(others), -13)
  })

  it("refuses a ticket that has expired, to the millisecond", () => {
    const [payload] = request(pass({ lifetime: 60 }))
    const at = (moment: number) => AuthorizerServer.challenge(secrets, payload, 1, moment, scripted())
    assert.isTrue(Result.isSuccess(at(now + 59_999)))
    assert.strictEqual(failure(at(now + 60_000)), -13)
  })

  it("refuses a ticket that was given to another id", () => {
    assert.strictEqual(refused({ ...pass(), globalId: 4243n }), -13)
    assert.strictEqual(refused(pass({ globalId: 0n })), -13)
  })

  it("refuses who does not have the session key of the ticket", () => {
    const good = pass()
    assert.strictEqual(refused({ ...good, ticket: { ...good.ticket, sessionKey: aes(counting(0, 16)) } }), -13)
  })

  // OSDs of Ceph 18.2.7 and 20.2.4 refuse these, too.
  it("refuses a ticket without caps; a monitor looks them up and does not", () => {
    assert.strictEqual(refused(pass({ caps: undefined })), -13)
    const { ticket } = pass({ caps: undefined })
    const [payload] = request({ globalId: 4242n, ticket: { ...ticket, service: Mon } })
    const monitor = AuthorizerServer.challenge({ ...secrets, service: Mon }, payload, 1, now, scripted())
    assert.strictEqual(success(monitor)[1].caps.size, 0)
  })

  it("refuses a ticket whose caps end early, and takes one that allows everything without any", () => {
    const open = success(SealedTicket.open(secret, pass().ticket.blob))
    const withCaps = (caps: Ticket.AuthCapsInfo): Tickets.Pass => {
      const info = { ...open, ticket: { ...open.ticket, caps } }
      const blob = success(
        Sealed.seal(secret, Cipher.Usage.TicketInfo, Ticket.CephXServiceTicketInfo, info, scripted())
      )
      return { globalId: 4242n, ticket: held(Osd, open.sessionKey, { secretId, blob }) }
    }
    for (const caps of [hex("05"), hex("0500000061")])
      assert.strictEqual(refused(withCaps({ allowAll: true, caps })), -13)
    const { challenged, second } = scene(1, withCaps({ allowAll: true, caps: new Uint8Array(0) }))
    assert.isTrue(success(answer(challenged, second)).allowAll)
  })

  it("refuses an authorizer whose first byte is not one of 1 to 9", () => {
    const [payload] = request(pass())
    const first = (byte: number) => challenge(payload.map((value, at) => (at === 0 ? byte : value)))
    for (const byte of [1, 2, 9]) assert.isTrue(Result.isSuccess(first(byte)))
    for (const byte of [0, 10, 19, 20, 255]) assert.strictEqual(failure(first(byte)), -13)
  })

  it("refuses authorizers that end early, in both rounds", () => {
    const { first, challenged, second } = scene()
    for (let size = 0; size < first.length; size++) assert.strictEqual(failure(challenge(first.subarray(0, size))), -13)
    for (let size = 0; size < second.length; size++) {
      assert.strictEqual(failure(answer(challenged, second.subarray(0, size))), -13)
    }
  })

  it("demands its challenge from everybody: the first authorizer again is refused", () => {
    const { first, challenged } = scene()
    assert.strictEqual(failure(answer(challenged, first)), -13)
  })

  it("refuses the answer to any other challenge", () => {
    const { shown, challenged } = scene()
    const { ticket } = shown.pass
    const reply = (serverChallengePlusOne: bigint, haveChallenge = true) =>
      answer(
        challenged,
        success(
          AuthorizerClient.encode(
            { globalId: 4242n, ticket },
            { nonce: 1n, haveChallenge, serverChallengePlusOne },
            scripted()
          )
        )
      )
    const right = challenged.serverChallenge + 1n
    // A new nonce is fine, as with daemons of Ceph.
    assert.isTrue(Result.isSuccess(reply(right)))
    for (const wrong of [right - 1n, right + 1n, right ^ (1n << 63n), 0n])
      assert.strictEqual(failure(reply(wrong)), -13)
    assert.strictEqual(failure(reply(right, false)), -13)
  })

  it("refuses an authorizer of version 1, which has no challenge", () => {
    const { ticket } = pass()
    const old = Codec.struct("CephXAuthorize", { structV: Codec.u8, nonce: Codec.u64 })
    const sealed = success(
      Sealed.seal(ticket.sessionKey, Cipher.Usage.Authorize, old, { structV: 1, nonce: 5n }, scripted())
    )
    const fields = { mode: 1, globalId: 4242n, serviceId: Osd, ticket: ticket.blob, sealed }
    assert.strictEqual(failure(challenge(Codec.encode(Authorizer.CephXAuthorizer, fields))), -13)
  })

  it("refuses an answer with another ticket than the one it challenged", () => {
    const { challenged } = scene()
    const later = pass({ lifetime: 7200 })
    const authorize = {
      nonce: 1n,
      haveChallenge: true,
      serverChallengePlusOne: Authorizer.plusOne(challenged.serverChallenge)
    }
    const encode = (from: Tickets.Pass) => success(AuthorizerClient.encode(from, authorize, scripted()))
    assert.isTrue(Result.isSuccess(answer(challenged, encode(pass()))))
    assert.strictEqual(failure(answer(challenged, encode(later))), -13)
    assert.strictEqual(failure(answer(challenged, encode({ ...pass(), globalId: 1n }))), -13)
  })

  it("keeps a ticket that does not share memory with the payload", () => {
    const [payload, shown] = request(pass())
    const [asked, challenged] = success(challenge(payload))
    payload.fill(0)
    const [second] = success(AuthorizerClient.answer(shown, asked, scripted()))
    assert.isTrue(Result.isSuccess(answer(challenged, second)))
  })
})

describe("A client of a service", () => {
  const finish = (state: AuthorizerClient.State, payload: Uint8Array, mode = 1) =>
    failure(AuthorizerClient.finish(state, { mode, payload })).reason
  const { challenged, shown, asked, second, answered } = scene()
  const { payload } = success(answer(challenged, second))
  const { sessionKey } = shown.pass.ticket
  const reply = (value: Authorizer.CephXAuthorizeReply, key = sessionKey) =>
    Codec.encode(
      Codec.bytes,
      success(Sealed.seal(key, Cipher.Usage.AuthorizeReply, Authorizer.CephXAuthorizeReply, value, scripted()))
    )

  it("takes one answer to its nonce and no other", () => {
    const noncePlusOne = Authorizer.plusOne(answered.nonce)
    const right = reply({ noncePlusOne, connectionSecret: undefined })
    assert.deepStrictEqual(right, payload)
    assert.isTrue(Result.isSuccess(AuthorizerClient.finish(answered, { mode: 1, payload: right })))
    for (const wrong of [noncePlusOne - 1n, noncePlusOne + 1n, noncePlusOne ^ (1n << 63n), 0n]) {
      assert.strictEqual(finish(answered, reply({ noncePlusOne: wrong, connectionSecret: undefined })), "BadReply")
    }
  })

  it("counts in 64 bits", () => {
    assert.strictEqual(Authorizer.plusOne(0xffff_ffff_ffff_ffffn), 0n)
    const state: AuthorizerClient.State = { ...answered, nonce: 0xffff_ffff_ffff_ffffn }
    const done = { mode: 1, payload: reply({ noncePlusOne: 0n, connectionSecret: undefined }) }
    assert.isTrue(Result.isSuccess(AuthorizerClient.finish(state, done)))
  })

  it("does not take an answer from another connection", () => {
    const [, other] = success(AuthorizerClient.show(pass(), scripted(60)))
    const [, again] = success(AuthorizerClient.answer(other, asked, scripted()))
    assert.strictEqual(finish(again, payload), "BadReply")
  })

  it("does not take an answer under another key", () => {
    const noncePlusOne = Authorizer.plusOne(answered.nonce)
    const forged = reply({ noncePlusOne, connectionSecret: undefined }, aes(counting(0, 16)))
    assert.include(["BadCiphertext", "BadMagic"], finish(answered, forged))
  })

  it("does not take secure mode without a secret for it, or with too short a one", () => {
    assert.strictEqual(finish(answered, payload, 2), "MissingConnectionSecret")
    const noncePlusOne = Authorizer.plusOne(answered.nonce)
    const short = reply({ noncePlusOne, connectionSecret: counting(0, 39) })
    assert.strictEqual(finish(answered, short, 2), "MissingConnectionSecret")
    const enough = { mode: 2, payload: reply({ noncePlusOne, connectionSecret: counting(0, 40) }) }
    assert.isTrue(Result.isSuccess(AuthorizerClient.finish(answered, enough)))
  })

  it("does not take answers and challenges that end early", () => {
    for (let size = 0; size < payload.length; size++) {
      assert.isTrue(
        Result.isFailure(AuthorizerClient.finish(answered, { mode: 1, payload: payload.subarray(0, size) }))
      )
    }
    for (let size = 0; size < asked.length; size++) {
      assert.isTrue(Result.isFailure(AuthorizerClient.answer(shown, asked.subarray(0, size), scripted())))
    }
  })

  it("answers one challenge, and insists on having been challenged", () => {
    assert.strictEqual(failure(AuthorizerClient.answer(answered, asked, scripted())).reason, "OutOfOrder")
    assert.strictEqual(finish(shown, payload), "OutOfOrder")
  })

  it("draws a nonce for every connection", () => {
    const entropy = scripted()
    const [first] = success(AuthorizerClient.show(pass(), entropy))
    const [other] = success(AuthorizerClient.show(pass(), entropy))
    assert.notDeepEqual(first, other)
  })
})
