/**
 * `npm run docs:diagrams`: draws both machines into `docs/machines.md`, as their tables and handlers have them.
 */
import { writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { client, type Edge, type Found, isAnswer, isFrame, server } from "./machines/explore.ts"

export const file = fileURLToPath(new URL("../docs/machines.md", import.meta.url))

/** States that are drawn as one where all of them do the same. */
interface Group {
  readonly name: string
  readonly title: string
  readonly members: ReadonlyArray<Edge["from"]>
}

const attempt: Group = {
  name: "Attempt",
  title: "an attempt",
  members: [
    "BannerConnecting",
    "HelloConnecting",
    "AuthConnecting",
    "AuthConnectingSign",
    "CompressionConnecting",
    "SessionConnecting"
  ]
}
const visit: Group = {
  name: "Visit",
  title: "a visitor without a session",
  members: [
    "BannerAccepting",
    "HelloAccepting",
    "AuthAccepting",
    "AuthAcceptingMore",
    "AuthAcceptingSign",
    "CompressionAccepting",
    "SessionAccepting"
  ]
}

/** What only the owner, the clock or the socket tell, and what leads nowhere: too much of it for a picture. */
export const isBookkeeping = ({ event, from, to }: Edge): boolean =>
  from === to && !isFrame(event) && !isAnswer(event) && event !== "Reuse"

/** The part of the machine that only an end has that was dialled, and the states it shares with the other. */
export const acceptingPart = (edges: ReadonlyArray<Edge>): ReadonlyArray<Edge> => {
  const own = new Set<string>(["StartAccept", ...visit.members, "Ready", "Standby"])
  return edges.filter(({ from }) => own.has(from))
}

/** Arrows by their ends, each with all its events. */
const arrows = (
  edges: ReadonlyArray<{ readonly from: string; readonly event: string; readonly to: string }>
): ReadonlyArray<string> => {
  const labels = new Map<string, Array<string>>()
  for (const { event, from, to } of edges) {
    const ends = `${from} --> ${to}`
    const known = labels.get(ends) ?? []
    if (!known.includes(event)) known.push(event)
    labels.set(ends, known)
  }
  return [...labels].map(([ends, events]) => `${ends} : ${events.toSorted().join(", ")}`).toSorted()
}

const picture = (edges: ReadonlyArray<Edge>, initial: string, { members, name, title }: Group): string => {
  const drawn = edges.filter((edge) => !isBookkeeping(edge))
  const inGroup = ({ from }: Edge): boolean => members.includes(from)
  const isCommon = ({ event, to }: Edge): boolean =>
    !members.includes(to) &&
    members.every((from) => drawn.some((e) => e.from === from && e.event === event && e.to === to))
  const common = drawn.filter((edge) => inGroup(edge) && isCommon(edge))
  const inside = drawn.filter((edge) => inGroup(edge) && members.includes(edge.to))
  const rest = drawn.filter((edge) => !common.includes(edge) && !inside.includes(edge))
  const lines = [
    "stateDiagram-v2",
    `    [*] --> ${initial}`,
    `    state "${title}" as ${name} {`,
    ...arrows(inside).map((line) => `        ${line}`),
    "    }",
    ...arrows([...common.map((edge) => ({ ...edge, from: name })), ...rest]).map((line) => `    ${line}`),
    "    Closed --> [*]"
  ]
  return ["```mermaid", ...lines, "```"].join("\n")
}

/** Events that leave the states as they are, and which. */
const bookkeeping = (edges: ReadonlyArray<Edge>): string => {
  const all = [...new Set(edges.map(({ from }) => from))]
  const states = new Map<string, Array<string>>()
  for (const { event, from } of edges.filter(isBookkeeping)) states.set(event, [...(states.get(event) ?? []), from])
  const rows = [...states]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([event, where]) => {
      const lacking = all.filter((state) => !where.includes(state))
      const text =
        lacking.length === 0
          ? "every state"
          : lacking.length < where.length
            ? `every state but ${lacking
                .toSorted()
                .map((state) => `\`${state}\``)
                .join(", ")}`
            : where
                .toSorted()
                .map((state) => `\`${state}\``)
                .join(", ")
      return `- \`${event}\`: ${text}`
    })
  return rows.join("\n")
}

/** The whole of `docs/machines.md`. */
export const render = (dialling: Found, dialled: Found): string => `# The two machines

Drawn by \`npm run docs:diagrams\` from the tables of [ClientHandshake], [ServerHandshake], [Resume] and [Ready]: every
event was tried in every state, under every kind of policy, and this is where it led. A test keeps the file and the code
equal, and compares both with the two digraphs of the protocol, edge by edge.

A name beside an arrow is an event: a frame of the peer, or what the socket, the owner, the clock or an answer to a
question tells; [Event] says what each means. Several arrows with one name differ in what the policy, the session or the
contents of the frame say. An arrow from a box starts at every state in it.

## The end that dials

${picture(dialling.edges, "StartConnect", attempt)}

Not drawn, as it changes no state but only what the state remembers, or nothing at all:

${bookkeeping(dialling.edges)}

## The end that was dialled

An end whose session can last may come to dial itself, when its policy allows it and it knows where: from
\`StartConnect\` on it is the machine above.

${picture(acceptingPart(dialled.edges), "StartAccept", visit)}

Not drawn:

${bookkeeping(acceptingPart(dialled.edges))}

[ClientHandshake]: ../packages/session/src/ClientHandshake.ts
[ServerHandshake]: ../packages/session/src/ServerHandshake.ts
[Resume]: ../packages/session/src/Resume.ts
[Ready]: ../packages/session/src/Ready.ts
[Event]: ../packages/session/src/Event.ts
`

if (import.meta.main) writeFileSync(file, render(client(), server()))
