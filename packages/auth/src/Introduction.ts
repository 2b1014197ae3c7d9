/**
 * How a client says who it is: all there is to authentication method none, and the first step of CephX.
 *
 * **Source** Ceph `src/auth/none/AuthNoneProtocol.h`, `src/mon/Monitor.cc`, `handle_auth_request`
 */
import * as Codec from "@msgr2/wire/Codec"
import { EntityName, EntityType } from "@msgr2/wire/EntityName"
import * as Result from "effect/Result"
import { Errno } from "./AuthError.ts"

/** A monitor gives out ids and keys; any other service trusts what a monitor gave out. */
export type Role = "monitor" | "service"

export const roleOf = (type: number): Role => (type === EntityType.Mon ? "monitor" : "service")

/** The first byte says what kind of service the payload is meant for. Each kind owns a range and sends its first. */
const modes: { readonly [R in Role]: readonly [first: number, last: number] } = { monitor: [10, 19], service: [1, 9] }

/** Which kind of service a payload with this first byte is meant for. */
export const roleOfMode = (mode: number): Role | undefined =>
  (["monitor", "service"] as const).find((role) => modes[role][0] <= mode && mode <= modes[role][1])

/**
 * The payload of `AUTH_REQUEST`.
 *
 * **Shape** `mode:u8 name:EntityName globalId:le64`; `globalId` is 0 for a client that has none.
 */
export const Introduction = Codec.struct("Introduction", { mode: Codec.u8, name: EntityName, globalId: Codec.u64 })
export type Introduction = Codec.Type<typeof Introduction>

export const encode = (role: Role, name: EntityName, globalId: bigint): Uint8Array =>
  Codec.encode(Introduction, { mode: modes[role][0], name, globalId })

/**
 * Reads an introduction to a server of this role.
 *
 * **Errors** the errno for `AUTH_BAD_METHOD`: -13 for anything else, however short.
 */
export const decode = (role: Role, payload: Uint8Array): Result.Result<Introduction, number> => {
  const introduction = Codec.decodePrefix(Introduction, payload)
  if (Result.isFailure(introduction)) return Result.fail(Errno.Access)
  return roleOfMode(introduction.success.mode) === role
    ? Result.succeed(introduction.success)
    : Result.fail(Errno.Access)
}
