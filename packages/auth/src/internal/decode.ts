import * as Codec from "@msgr2/wire/Codec"
import * as Result from "effect/Result"
import * as AuthError from "../AuthError.ts"

/** The value `bytes` begin with, or `BadPayload`. CephX structures have no length: what later versions append is skipped. */
export const decodePrefix = <A>(codec: Codec.Codec<A>, bytes: Uint8Array): Result.Result<A, AuthError.AuthError> =>
  Result.mapError(Codec.decodePrefix(codec, bytes), (error) => AuthError.local("BadPayload", error.message))
