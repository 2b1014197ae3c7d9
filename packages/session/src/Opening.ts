/**
 * The moment at which a session has a connection that may be used.
 */
import type { Action } from "./Action.ts"
import type { Step } from "./Close.ts"
import type { Peer } from "./Peer.ts"
import type { Progress, Session } from "./Session.ts"

/** READY, after what is to be said before the first message. */
export const opened = (
  session: Session,
  progress: Progress,
  peer: Peer,
  resumed: boolean,
  parting: ReadonlyArray<Action> = []
): Step => [
  { _tag: "Ready", peer, session: { ...session, peer, wanted: false, attempts: 0 }, progress },
  [...parting, { _tag: "Opened", resumed }]
]
