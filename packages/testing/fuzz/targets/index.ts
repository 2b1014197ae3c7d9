/**
 * Everything that is fuzzed. To add a reader of bytes, put one line here: `reader({ name, seeds, read, isTyped })` of
 * `../Target.ts`.
 */
import type { Target } from "../Target.ts"
import * as Codecs from "./Codecs.ts"
import * as Explain from "./Explain.ts"
import * as Frames from "./Frames.ts"
import * as Inflate from "./Inflate.ts"
import * as Messages from "./Messages.ts"
import * as Opening from "./Opening.ts"
import * as Pcap from "./Pcap.ts"
import * as Texts from "./Texts.ts"

export const targets: ReadonlyArray<Target> = [
  Opening.banner,
  Opening.preamble,
  ...Frames.targets,
  Messages.control,
  Messages.message,
  Messages.mon,
  ...Codecs.targets,
  ...Inflate.targets,
  ...Texts.targets,
  Pcap.target,
  Explain.target
]
