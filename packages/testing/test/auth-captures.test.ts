import { assert, describe, it } from "@effect/vitest"
import { CephXClient, CephXMessages, CryptoKey, Signature } from "@msgr2/auth"
import { Codec, type ControlFrame } from "@msgr2/wire"
import { Redacted, Result } from "effect"
import { Capture, Conversation } from "../src/index.ts"

const find = <N extends ControlFrame.Name>(side: Conversation.Side, name: N): ControlFrame.Of<N> => {
  for (const { frame } of side.entries) if (frame._tag === name) return frame as ControlFrame.Of<N>
  return assert.fail(`no ${name}`)
}

/** Everything of one direction before its signature: what the other end signs. */
const transcript = (side: Conversation.Side, bytes: Uint8Array): Uint8Array => {
  const signature = side.entries.find(({ frame }) => frame._tag === "AuthSignature") ?? assert.fail("no signature")
  return bytes.subarray(0, signature.offset)
}

// Recorded from `ceph -s` against a monitor of 18.2.7: what stock Ceph computed, ours must compute too.
for (const name of Capture.names) {
  const capture = Capture.load(name)
  for (const [n, connection] of capture.connections.entries()) {
    const { c2s, s2c } = Result.getOrThrow(Conversation.read(connection))
    describe(`${name}, connection ${n}`, () => {
      const sessionKey = Redacted.make(connection.sessionKey ?? new Uint8Array(0))
      it("both signatures are over everything the signer had received", () => {
        const [up, down] = [transcript(c2s, connection.c2s), transcript(s2c, connection.s2c)]
        assert.isTrue(Signature.verify(sessionKey, [down], find(c2s, "AuthSignature").digest))
        assert.isTrue(Signature.verify(sessionKey, [up], find(s2c, "AuthSignature").digest))
        if (connection.sessionKey === null) return
        assert.isFalse(Signature.verify(sessionKey, [down.subarray(1)], find(c2s, "AuthSignature").digest))
      })
      if (connection.authMethod !== 2) return
      it("the client's proof, the session key and the connection secret are ours", () => {
        const recorded = find(c2s, "AuthRequestMore").payload
        const asked = Result.getOrThrow(Codec.decode(CephXMessages.CephXAuthenticate, recorded.subarray(2)))
        const key = Result.getOrThrow(CryptoKey.parse(capture.key))
        const credentials = { name: { type: 8, id: "admin" }, key, otherKeys: asked.otherKeys }
        assert.deepStrictEqual(CephXClient.introduce(credentials), find(c2s, "AuthRequest").payload)
        const challenge = find(s2c, "AuthReplyMore").payload
        const [proof, state] = Result.getOrThrow(
          CephXClient.prove(credentials, CephXClient.introduced, challenge, asked.clientChallenge)
        )
        assert.deepStrictEqual(proof, Uint8Array.from(recorded))
        const granted = Result.getOrThrow(CephXClient.finish(credentials, state, find(s2c, "AuthDone"), 0))
        assert.deepStrictEqual(Redacted.value(granted.sessionKey), connection.sessionKey)
        if (connection.connectionSecret === null) return
        assert.deepStrictEqual(Redacted.value(granted.connectionSecret), connection.connectionSecret)
      })
    })
  }
}
