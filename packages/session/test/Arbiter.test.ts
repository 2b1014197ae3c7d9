import { assert, describe, it } from "@effect/vitest"
import { ControlFrame, EntityAddr, Features, Ids } from "@msgr2/wire"
import { Arbiter, Endpoint, Policy, type State } from "../src/index.ts"
import { accepting, connecting, type Facts, living, local, own, peer, type Tag, tags, visitor } from "./living.ts"
import { addr } from "./pair.ts"

const { losslessPeer, losslessPeerReuse, lossyClient, statefulServer } = Policy

const closed: State.State = { _tag: "Closed", error: undefined }

/** Two addresses on one port; the first is the smaller one in the order of bytes. */
const [small, big] = [own, peer]

/** A verdict in a word or two. */
const words = (verdict: Arbiter.Verdict): string => {
  switch (verdict._tag) {
    case "Reuse":
      return verdict.reset ? "reuse, reset" : "reuse"
    case "PutOff": {
      const { frame, proceed } = verdict
      const answer =
        frame._tag === "ResetSession"
          ? `reset(${frame.full ? "full" : "partial"})`
          : frame._tag === "RetrySession"
            ? `retry(${frame.connectSeq})`
            : frame._tag === "RetryGlobal"
              ? `retry_global(${frame.globalSeq})`
              : "wait"
      return proceed ? `${answer}, proceed` : answer
    }
    default:
      return verdict._tag.toLowerCase()
  }
}

/** What is known under the visitor's addresses, if anything, and how the question differs from the usual one. */
interface Row {
  readonly when: string
  readonly tag?: Tag
  /** Of the session that exists. Unless given: cookies 5 and 7, peer's global_seq 10, connect_seq 3. */
  readonly facts?: Facts
  readonly existing?: State.State | undefined
  readonly replacing?: boolean
  /** How the newcomer is treated. */
  readonly policy?: Policy.Policy
  /** This end has the greater address. */
  readonly greater?: boolean
  readonly verdict: string
}

const question = (row: Row): Arbiter.Question => {
  const [mine, theirs] = row.greater === true ? [big, small] : [small, big]
  const policy = row.policy ?? row.facts?.policy ?? losslessPeerReuse
  return {
    own: [mine],
    policy,
    existing: "existing" in row ? row.existing : living(row.tag ?? "Ready", { addrs: [theirs], ...row.facts }),
    ...(row.replacing === undefined ? {} : { replacing: row.replacing })
  }
}

const ident = (
  over: Partial<ControlFrame.Of<"ClientIdent">> = {},
  greater = false
): ControlFrame.Of<"ClientIdent"> => ({
  _tag: "ClientIdent",
  addrs: [greater ? small : big],
  target: greater ? big : small,
  gid: 2n,
  globalSeq: Ids.globalSeq(11n),
  supported: Features.pacific,
  required: Features.required,
  flags: 0n,
  cookie: Ids.cookie(5n),
  ...over
})

const reconnect = (
  over: Partial<ControlFrame.Of<"Reconnect">> = {},
  greater = false
): ControlFrame.Of<"Reconnect"> => ({
  _tag: "Reconnect",
  addrs: [greater ? small : big],
  clientCookie: Ids.cookie(5n),
  serverCookie: Ids.cookie(7n),
  globalSeq: Ids.globalSeq(11n),
  connectSeq: Ids.connectSeq(4n),
  msgSeq: Ids.msgSeq(0),
  ...over
})

const [same, other, none] = [5n, 6n, 0n].map(Ids.cookie) as [Ids.Cookie, Ids.Cookie, Ids.Cookie]
const [older, equal, newer] = [9n, 10n, 11n].map(Ids.globalSeq) as [Ids.GlobalSeq, Ids.GlobalSeq, Ids.GlobalSeq]
/** A session that this end has asked for, and has had no answer. */
const unanswered: Facts = { serverCookie: 0n }

interface IdentRow extends Row {
  readonly cookie?: Ids.Cookie
  readonly globalSeq?: Ids.GlobalSeq
}

const checkIdent = (rows: ReadonlyArray<IdentRow>) => {
  for (const row of rows) {
    it(`${row.when}: ${row.verdict}`, () => {
      const frame = ident({ cookie: row.cookie ?? same, globalSeq: row.globalSeq ?? newer }, row.greater)
      assert.strictEqual(words(Arbiter.judge(question(row), frame)), row.verdict)
    })
  }
}

// Each rule of Ceph's `handle_existing_connection`, in its order, and what is next to it.
describe("CLIENT_IDENT", () => {
  checkIdent([
    { when: "1. nothing is known", existing: undefined, verdict: "accept" },
    { when: "1. what was known is over", existing: closed, verdict: "accept" },
    { when: "1. what is found has no session yet", existing: accepting, verdict: "accept" },
    { when: "2. the session is just being replaced", replacing: true, verdict: "wait" },
    // Ceph had a rule for a peer that has started anew and counts lower, and has given it up in 2026: nothing tells
    // such a peer from an attempt of its that lost a race and comes late.
    ...[...connecting, "Wait" as const].map((tag) => ({
      when: `3. the peer counts lower, whether or not it has started anew, in ${tag}`,
      tag,
      cookie: other,
      globalSeq: older,
      verdict: "refuse"
    })),
    { when: "3. while the session is open", cookie: other, globalSeq: older, verdict: "refuse" },
    { when: "3. while it stands by", tag: "Standby", cookie: other, globalSeq: older, verdict: "refuse" },
    { when: "4. a late attempt with the same cookie", tag: "Wait", globalSeq: older, verdict: "refuse" },
    { when: "4. an equal number is not late", globalSeq: equal, verdict: "reuse" },
    { when: "5. a lossy session", facts: { lossy: true }, verdict: "displace" },
    { when: "5. one that has become lossless is none", facts: { policy: lossyClient, lossy: false }, verdict: "reuse" },
    { when: "6. another cookie, resets are announced", cookie: other, verdict: "reuse, reset" },
    { when: "6. another cookie, resets are not announced", policy: losslessPeer, cookie: other, verdict: "reuse" },
    {
      when: "6. the newcomer's policy decides, not that of the session",
      facts: { policy: losslessPeer },
      policy: losslessPeerReuse,
      cookie: other,
      verdict: "reuse, reset"
    },
    {
      when: "6. but not where there was none to lose",
      facts: { clientCookie: 0n },
      cookie: other,
      verdict: "reuse"
    },
    { when: "6. no cookie where there was one", cookie: none, verdict: "reuse, reset" },
    ...tags.map((tag) => ({ when: `7. the same cookie again, in ${tag}`, tag, verdict: "reuse" })),
    ...(["Ready", "Standby"] as const).map((tag) => ({
      when: `8. another cookie, and no answer was ever seen, in ${tag}`,
      tag,
      facts: unanswered,
      cookie: other,
      verdict: "reuse"
    })),
    ...[...connecting, "Wait" as const].flatMap((tag) => [
      {
        when: `9. both dial, and the peer has the smaller address, in ${tag}`,
        tag,
        facts: unanswered,
        cookie: other,
        greater: true,
        verdict: "reuse"
      },
      {
        when: `10. both dial, and this end has the smaller address, in ${tag}`,
        tag,
        facts: unanswered,
        cookie: other,
        verdict: "wait, proceed"
      }
    ]),
    {
      when: "9. this end never dials",
      tag: "StartConnect",
      facts: { ...unanswered, policy: statefulServer },
      cookie: other,
      verdict: "reuse"
    }
  ])
})

// Where two rules would both match, the first one counts; the verdicts differ, so the order shows.
describe("CLIENT_IDENT, order of the rules", () => {
  checkIdent([
    { when: "1 before 2", existing: closed, replacing: true, verdict: "accept" },
    { when: "2 before 4", tag: "Wait", replacing: true, cookie: other, globalSeq: older, verdict: "wait" },
    { when: "2 before 4, open", replacing: true, globalSeq: older, verdict: "wait" },
    { when: "2 before 5", replacing: true, facts: { lossy: true }, verdict: "wait" },
    { when: "2 before 6", replacing: true, cookie: other, verdict: "wait" },
    { when: "2 before 7 and 8", replacing: true, verdict: "wait" },
    {
      when: "4 before 10",
      tag: "StartConnect",
      facts: unanswered,
      cookie: other,
      globalSeq: older,
      verdict: "refuse"
    },
    { when: "4 before 5", facts: { lossy: true }, globalSeq: older, verdict: "refuse" },
    { when: "4 before 6", cookie: other, globalSeq: older, verdict: "refuse" },
    { when: "4 before 7", tag: "SessionConnecting", globalSeq: older, verdict: "refuse" },
    { when: "4 before 8", tag: "Standby", facts: unanswered, cookie: other, globalSeq: older, verdict: "refuse" },
    {
      when: "4 before 9",
      tag: "Wait",
      facts: { ...unanswered, clientCookie: 0n },
      cookie: other,
      globalSeq: older,
      greater: true,
      verdict: "refuse"
    },
    { when: "5 before 6", facts: { lossy: true }, cookie: other, verdict: "displace" },
    { when: "5 before 7 and 8", facts: { lossy: true }, verdict: "displace" },
    {
      when: "5 before 10",
      tag: "StartConnect",
      facts: { ...unanswered, lossy: true },
      cookie: other,
      verdict: "displace"
    },
    { when: "6 before 8", tag: "Standby", cookie: other, verdict: "reuse, reset" },
    { when: "6 before 9", tag: "StartConnect", cookie: other, greater: true, verdict: "reuse, reset" },
    { when: "6 before 10", tag: "StartConnect", cookie: other, verdict: "reuse, reset" },
    { when: "7 before 10", tag: "StartConnect", facts: unanswered, verdict: "reuse" },
    // Ceph takes it here as well. Then each of two ends may take the other's request for one session, and none is left.
    ...[false, true].map((greater) => ({
      when: `own: the request of an end that was told to ask goes before 7, 9 and 10; ${greater}`,
      tag: "StartConnect" as const,
      facts: { ...unanswered, invited: true },
      greater,
      verdict: "wait, proceed"
    })),
    { when: "8 before 10", tag: "Standby", facts: unanswered, cookie: other, verdict: "reuse" }
  ])
})

interface ReconnectRow extends Row {
  readonly clientCookie?: Ids.Cookie
  readonly serverCookie?: Ids.Cookie
  readonly globalSeq?: Ids.GlobalSeq
  readonly connectSeq?: bigint
}

const checkReconnect = (rows: ReadonlyArray<ReconnectRow>) => {
  for (const row of rows) {
    it(`${row.when}: ${row.verdict}`, () => {
      const frame = reconnect(
        {
          clientCookie: row.clientCookie ?? same,
          serverCookie: row.serverCookie ?? Ids.cookie(7n),
          globalSeq: row.globalSeq ?? newer,
          connectSeq: Ids.connectSeq(row.connectSeq ?? 4n)
        },
        row.greater
      )
      assert.strictEqual(words(Arbiter.judge(question(row), frame)), row.verdict)
    })
  }
}

const never = Ids.cookie(0n)
const wrong = Ids.cookie(8n)

// Each rule of Ceph's `handle_reconnect`, numbered as there: the first asks for the state, which the machine does.
describe("RECONNECT", () => {
  checkReconnect([
    { when: "2. nothing is known", existing: undefined, verdict: "reset(full)" },
    { when: "2. whatever the policy", existing: undefined, policy: losslessPeer, verdict: "reset(full)" },
    { when: "3. what was known is over", existing: closed, verdict: "reset(full)" },
    { when: "3. what is found has no session yet", existing: accepting, verdict: "reset(full)" },
    { when: "4. the session is just being replaced", replacing: true, verdict: "retry_global(10)" },
    { when: "5. another client cookie, resets are announced", clientCookie: other, verdict: "reset(full)" },
    {
      when: "5. another client cookie, resets are not announced",
      policy: losslessPeer,
      clientCookie: other,
      verdict: "reset(partial)"
    },
    {
      when: "5. the newcomer's policy decides, not that of the session",
      facts: { policy: losslessPeer },
      policy: losslessPeerReuse,
      clientCookie: other,
      verdict: "reset(full)"
    },
    {
      when: "5. no client cookie on either side is the same one",
      facts: { clientCookie: 0n },
      clientCookie: none,
      verdict: "reuse"
    },
    { when: "6. this end has asked and not been answered", facts: unanswered, verdict: "reset(partial)" },
    {
      when: "6. even where the peer has no name for it",
      facts: unanswered,
      serverCookie: never,
      verdict: "reset(partial)"
    },
    {
      when: "own: another server cookie, and only the peer dials",
      facts: { policy: statefulServer },
      serverCookie: wrong,
      verdict: "reset(full)"
    },
    {
      when: "own: the same, resets are not announced",
      facts: { policy: statefulServer },
      policy: losslessPeer,
      serverCookie: wrong,
      verdict: "reset(partial)"
    },
    {
      when: "own: the same, because the peer listens nowhere",
      facts: { target: undefined },
      serverCookie: wrong,
      verdict: "reset(full)"
    },
    { when: "own: another server cookie where both may dial", serverCookie: wrong, verdict: "reset(full)" },
    { when: "7. a late attempt", globalSeq: older, verdict: "retry_global(10)" },
    { when: "7. an equal number is not late", globalSeq: equal, verdict: "reuse" },
    { when: "8. an attempt that was overtaken", connectSeq: 2n, verdict: "retry(3)" },
    ...tags.flatMap((tag) => [
      {
        when: `9. both return, and this end has the smaller address, in ${tag}`,
        tag,
        connectSeq: 3n,
        verdict: "wait, proceed"
      },
      {
        when: `9. both return, and the peer has the smaller address, in ${tag}`,
        tag,
        connectSeq: 3n,
        greater: true,
        verdict: "reuse"
      },
      { when: `10. all is well, in ${tag}`, tag, verdict: "reuse" }
    ]),
    { when: "9. this end never dials", facts: { policy: statefulServer }, connectSeq: 3n, verdict: "reuse" },
    { when: "10. far ahead is as well as one ahead", connectSeq: 1000n, verdict: "reuse" }
  ])
})

describe("RECONNECT, order of the rules", () => {
  checkReconnect([
    { when: "3 before 4", existing: closed, replacing: true, verdict: "reset(full)" },
    { when: "4 before 5", replacing: true, clientCookie: other, verdict: "retry_global(10)" },
    { when: "4 before 6", replacing: true, facts: unanswered, verdict: "retry_global(10)" },
    { when: "4 before 8", replacing: true, connectSeq: 2n, verdict: "retry_global(10)" },
    { when: "5 before 6", facts: unanswered, clientCookie: other, verdict: "reset(full)" },
    { when: "5 before 7", clientCookie: other, globalSeq: older, verdict: "reset(full)" },
    { when: "5 before 8", clientCookie: other, connectSeq: 2n, verdict: "reset(full)" },
    {
      when: "6 before own",
      facts: { ...unanswered, policy: statefulServer },
      serverCookie: wrong,
      verdict: "reset(partial)"
    },
    { when: "6 before 7", facts: unanswered, globalSeq: older, verdict: "reset(partial)" },
    { when: "6 before 8", facts: unanswered, connectSeq: 2n, verdict: "reset(partial)" },
    {
      when: "own before 7",
      facts: { policy: statefulServer },
      serverCookie: wrong,
      globalSeq: older,
      verdict: "reset(full)"
    },
    {
      when: "own before 8",
      facts: { policy: statefulServer },
      serverCookie: wrong,
      connectSeq: 2n,
      verdict: "reset(full)"
    },
    { when: "7 before 8", globalSeq: older, connectSeq: 2n, verdict: "retry_global(10)" },
    { when: "7 before 9", globalSeq: older, connectSeq: 3n, verdict: "retry_global(10)" },
    { when: "9 before 10", connectSeq: 3n, verdict: "wait, proceed" }
  ])
})

// Ceph compares 36 bytes of memory: type, nonce lowest byte first, family, port highest byte first, host.
describe("the smaller address", () => {
  const pairs: ReadonlyArray<readonly [smaller: string, greater: string, why: string]> = [
    ["v2:10.0.0.1:3300/0", "v2:10.0.0.1:10000/0", "ports as numbers, not as texts"],
    ["v2:10.0.0.1:256/0", "v2:10.0.0.1:511/0", "the high byte of a port goes first"],
    ["v2:10.0.0.1:511/0", "v2:10.0.0.1:512/0", "so that 511 is below 512"],
    ["v2:10.0.0.9:3300/0", "v2:10.0.0.1:3301/0", "the port before the host"],
    ["v2:9.0.0.1:3300/0", "v2:10.0.0.1:3300/0", "hosts as numbers, not as texts"],
    ["v2:255.255.255.255:65535/0", "v2:[::1]:1/0", "IPv4 before IPv6, whatever port and host"],
    ["v2:[::1]:3300/0", "v2:[2001:db8::1]:3300/0", "IPv6 by its bytes"],
    ["v2:10.0.0.1:3300/256", "v2:10.0.0.1:3300/1", "the low byte of a nonce goes first, unlike numbers"],
    ["v2:10.0.0.9:9999/1", "v2:10.0.0.1:3300/2", "the nonce before port and host"],
    ["v2:[::1]:3300/0", "v2:10.0.0.1:3300/1", "the nonce before the family"],
    ["v2:10.0.0.9:9999/9", "any:10.0.0.1:3300/0", "the type before everything"]
  ]
  const verdict = (mine: string, theirs: string, request: "ClientIdent" | "Reconnect"): string => {
    const addrs = [addr(theirs)]
    const asked = { own: [addr(mine)], policy: losslessPeer }
    return words(
      request === "ClientIdent"
        ? Arbiter.judge(
            { ...asked, existing: living("SessionConnecting", { ...unanswered, addrs }) },
            ident({ addrs, cookie: other })
          )
        : Arbiter.judge(
            { ...asked, existing: living("StartConnect", { addrs }) },
            reconnect({ addrs, connectSeq: Ids.connectSeq(3n) })
          )
    )
  }
  for (const [smaller, greater, why] of pairs) {
    it(`${why}: ${smaller} dials ${greater}`, () => {
      for (const request of ["ClientIdent", "Reconnect"] as const) {
        assert.strictEqual(verdict(smaller, greater, request), "wait, proceed")
        assert.strictEqual(verdict(greater, smaller, request), "reuse")
      }
    })
  }
  it("exactly one of two ends that dial each other gives way, whichever pair of these it is", () => {
    const all = [...new Set(pairs.flatMap(([left, right]) => [left, right]))]
    for (const left of all) {
      for (const right of all.filter((text) => text !== left)) {
        const verdicts = [verdict(left, right, "ClientIdent"), verdict(right, left, "ClientIdent")]
        assert.sameMembers(verdicts, ["wait, proceed", "reuse"], `${left} ${right}`)
      }
    }
  })
  it("of several addresses is the first that msgr2 can use", () => {
    const theirs = [addr("v1:10.0.0.1:6789/0"), addr("v2:10.0.0.1:3300/0"), addr("v2:10.0.0.0:3300/0")]
    const asked = { policy: losslessPeer, existing: living("SessionConnecting", { ...unanswered, addrs: theirs }) }
    const frame = ident({ addrs: theirs, cookie: other })
    const judge = (mine: EntityAddr.EntityAddrVec) => words(Arbiter.judge({ ...asked, own: mine }, frame))
    assert.strictEqual(judge([addr("v1:10.0.0.9:1/0"), addr("v2:10.0.0.1:3299/0")]), "wait, proceed")
    assert.strictEqual(judge([addr("v1:10.0.0.0:1/0"), addr("v2:10.0.0.1:3301/0")]), "reuse")
  })
  it("a peer that declares none that msgr2 can use has the smallest of all", () => {
    const addrs = [addr("v1:10.0.0.1:6789/0")]
    const existing = living("SessionConnecting", { ...unanswered, addrs })
    assert.strictEqual(
      words(Arbiter.judge({ own: [own], policy: losslessPeer, existing }, ident({ addrs, cookie: other }))),
      "reuse"
    )
  })
})

describe("arbitrate", () => {
  const means: Arbiter.Means = { cookie: Ids.cookie(0xabcn), globalSeq: Ids.globalSeq(99n) }
  const state = { ...accepting, compression: 4 }
  const decide = (row: Row, request: Arbiter.SessionRequest) => Arbiter.arbitrate(question(row), state, request, means)
  const row = (over: Partial<Row>): Row => ({ when: "", verdict: "", ...over })

  it("admits a stranger with a fresh cookie and number, and tells nobody else", () => {
    assert.deepStrictEqual(decide(row({ existing: undefined }), ident()), {
      existing: undefined,
      newcomer: { _tag: "Admitted", ...means }
    })
  })
  it("ends a session that is displaced before it admits the newcomer", () => {
    const { existing, newcomer } = decide(row({ facts: { lossy: true } }), ident())
    assert.deepStrictEqual([existing?._tag, newcomer._tag], ["Displaced", "Admitted"])
  })
  it("tells a late newcomer, and lets the session try for itself", () => {
    assert.deepStrictEqual(decide(row({}), ident({ globalSeq: older })), {
      existing: { _tag: "Proceed" },
      newcomer: { _tag: "Stale" }
    })
  })
  it("tells a session that is to be asked for anew which answers do not count any more, whoever counts from where", () => {
    for (const globalSeq of [older, newer]) {
      assert.deepStrictEqual(decide(row({ facts: unanswered }), reconnect({ globalSeq })), {
        existing: { _tag: "Superseded", globalSeq },
        newcomer: { _tag: "PutOff", frame: { _tag: "ResetSession", full: false } }
      })
    }
  })
  it("hands over what the newcomer has agreed with its peer", () => {
    const request = ident({ cookie: other })
    assert.deepStrictEqual(decide(row({}), request), {
      existing: { _tag: "Reuse", visitor, compression: 4, request, reset: true, ...means },
      newcomer: { _tag: "HandedOver" }
    })
  })
  it("lets the session get on with its own attempt when the newcomer has to wait for it", () => {
    const request = reconnect({ connectSeq: Ids.connectSeq(3n) })
    assert.deepStrictEqual(decide(row({ tag: "Wait" }), request), {
      existing: { _tag: "Proceed" },
      newcomer: { _tag: "PutOff", frame: { _tag: "Wait" } }
    })
  })
  it("turns away a visitor that claims the addresses of somebody else, whatever it asks for", () => {
    const known = living("Ready", { addrs: [big] })
    if (known._tag !== "Ready") return assert.fail(known._tag)
    const proved = (id: string): State.State => {
      const peer = { ...known.peer, authenticatedAs: { type: visitor.peerType, id } }
      return { ...known, peer, session: { ...known.session, peer } }
    }
    const cases: ReadonlyArray<readonly [existing: State.State, newcomer: string]> = [
      [proved("2"), "HandedOver"],
      [proved("3"), "Foreign"],
      [living("Ready", { addrs: [big] }), "HandedOver"],
      [{ ...known, session: { ...known.session, remote: { ...known.session.remote, entityType: 8 } } }, "Foreign"]
    ]
    for (const [existing, expected] of cases) {
      for (const request of [ident({ cookie: other }), reconnect()]) {
        const { existing: told, newcomer } = decide(row({ existing }), request)
        assert.strictEqual(newcomer._tag, expected)
        assert.strictEqual(told?._tag, expected === "Foreign" ? undefined : "Reuse")
      }
    }
    const [turned] = Endpoint.server(local).step(accepting, { _tag: "Foreign" })
    assert.strictEqual(turned._tag === "Closed" ? turned.error?.reason : "", "ForeignSession")
  })
  it("says nothing to the session when the newcomer is put off for another reason", () => {
    const { existing, newcomer } = decide(row({}), reconnect({ connectSeq: Ids.connectSeq(1n) }))
    assert.isUndefined(existing)
    assert.deepStrictEqual(newcomer, {
      _tag: "PutOff",
      frame: { _tag: "RetrySession", connectSeq: Ids.connectSeq(3n) }
    })
  })
})
