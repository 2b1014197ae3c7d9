/**
 * An entry as JSON: the fields of its value under the names that the code has for them.
 *
 * **Shape** bytes are lower-case hex, addresses text (`v2:127.0.0.1:3300/0`). Words of 64 bits are decimal text; the few
 * counters that stay below 2^53 (`seq`, `ackSeq`, `msgSeq`, versions of maps) are numbers. `content` is what a payload
 * holds, where everybody can read it; `undecoded` says why it could not be read.
 */
import * as MonMessage from "@msgr2/mon/MonMessage"
import * as Banner from "@msgr2/wire/Banner"
import * as Codec from "@msgr2/wire/Codec"
import * as ControlFrame from "@msgr2/wire/ControlFrame"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import * as Message from "@msgr2/wire/Message"
import * as MessageType from "@msgr2/wire/MessageType"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as AuthPayload from "./AuthPayload.ts"
import type { Entry } from "./Entry.ts"

type Fields = { readonly [name: string]: Schema.Json }

/** The JSON view of a codec, built when it is first asked for. */
const views = new Map<Codec.Any, (value: any) => Schema.Json>()
const view = <A>(codec: Codec.Codec<A>, value: A): Fields => {
  let toJson = views.get(codec)
  if (toJson === undefined) {
    toJson = Codec.toJson(codec)
    views.set(codec, toJson)
  }
  return plain(value, toJson(value)) as Fields
}

const isAddr = (value: object): value is EntityAddr.EntityAddr => "sockaddr" in value && "nonce" in value

/** `json` without tags, addresses written out; `value` is what `json` shows. */
const plain = (value: unknown, json: Schema.Json): Schema.Json => {
  if (typeof value !== "object" || value === null || typeof json !== "object" || json === null) return json
  if (isAddr(value)) return EntityAddr.format(value)
  if (Array.isArray(json)) return json.map((item, i) => plain((value as ReadonlyArray<unknown>)[i], item))
  return Object.fromEntries(
    Object.entries(json).flatMap(([name, field]) =>
      name === "_tag" ? [] : [[name, plain((value as { readonly [name: string]: unknown })[name], field)]]
    )
  )
}

const content = (read: AuthPayload.Content): Fields =>
  read === undefined ? {} : Result.isSuccess(read) ? { content: read.success } : { undecoded: read.failure.message }

const readers: { readonly [N in ControlFrame.Name]?: typeof AuthPayload.request } = {
  AuthRequest: AuthPayload.request,
  AuthReplyMore: AuthPayload.replyMore,
  AuthRequestMore: AuthPayload.requestMore,
  AuthDone: AuthPayload.done
}

const control = (frame: ControlFrame.ControlFrame, { auth, verified }: Entry): Fields => {
  const fields = view(ControlFrame.codec(frame._tag) as Codec.Any, frame)
  const read = readers[frame._tag]
  if (read === undefined || auth === undefined || !("payload" in frame)) {
    return verified === undefined ? fields : { ...fields, verified }
  }
  const { payload, ...others } = fields
  return { ...others, ...content(read(auth, frame.payload)), payload: payload! }
}

/** The monitor's and its clients' messages are the ones that can be read here. */
const messageContent = ({ front, header }: Message.Message): Fields => {
  const kind = MonMessage.declarationOf(header.type)
  if (kind === undefined) return {}
  const decoded = MonMessage.decodeMessage(header.type, front, header.compatVersion)
  if (Result.isFailure(decoded)) return { undecoded: decoded.failure.message }
  return decoded.success._tag === "Unknown" ? {} : { content: view(kind.front, decoded.success) }
}

/** The fields of `entry`; none when it does not decode. */
export const of = (entry: Entry): Fields => {
  const { value } = entry
  if (value === undefined) return {}
  switch (value._tag) {
    case "Banner":
      return view(Banner.Payload, value)
    case "Message": {
      const sizes = { front: value.front.length, middle: value.middle.length, data: value.data.length }
      const name = MessageType.format(value.header.type)
      return { name, ...view(Message.MessageHeader, value.header), ...sizes, ...messageContent(value) }
    }
    default:
      return control(value, entry)
  }
}
