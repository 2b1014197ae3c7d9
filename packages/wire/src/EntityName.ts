/**
 * Who somebody is: an entity type with a number ("osd.3") or with an id ("client.admin").
 *
 * **Source** Ceph `src/msg/msg_types.h`, `src/common/entity_name.h`, `src/include/msgr.h`
 */
import * as Result from "effect/Result"
import * as Codec from "./Codec.ts"

/** `CEPH_ENTITY_TYPE_*`: bits, because CephX asks for several at once by OR-ing them. */
export const EntityType = { Mon: 0x01, Mds: 0x02, Osd: 0x04, Client: 0x08, Mgr: 0x10, Auth: 0x20, Any: 0xff } as const

const typeNames: ReadonlyArray<readonly [number, string]> = [
  [EntityType.Mon, "mon"],
  [EntityType.Mds, "mds"],
  [EntityType.Osd, "osd"],
  [EntityType.Client, "client"],
  [EntityType.Mgr, "mgr"],
  [EntityType.Auth, "auth"]
]

/** `client`, `osd` ..., or `type(7)` for a number nobody has named. */
export const formatType = (type: number): string => typeNames.find(([n]) => n === type)?.[1] ?? `type(${type})`

/**
 * `entity_name_t`: type and number. The number is a rank, an id or a global id; -1 while unknown.
 *
 * **Shape** `type:u8 num:i64`
 */
export const EntityNum = Codec.struct("EntityNum", { type: Codec.u8, num: Codec.i64 })
export type EntityNum = Codec.Type<typeof EntityNum>

/** `osd.3`; `client.?` while the number is unknown. */
export const formatNum = ({ type, num }: EntityNum): string => `${formatType(type)}.${num < 0n ? "?" : num}`

/**
 * `EntityName`: the name that owns a key.
 *
 * **Shape** `type:le32 id:string`; `id` has no `client.` in front.
 */
export const EntityName = Codec.struct("EntityName", { type: Codec.u32, id: Codec.string })
export type EntityName = Codec.Type<typeof EntityName>

/** `client.admin`. */
export const format = ({ type, id }: EntityName): string => `${formatType(type)}.${id}`

/**
 * Reads `client.admin`.
 *
 * **Errors** the words of what was expected.
 */
export const parse = (text: string): Result.Result<EntityName, string> => {
  const dot = text.indexOf(".")
  const type = typeNames.find(([, name]) => name === text.slice(0, dot))
  return dot < 0 || type === undefined
    ? Result.fail(`a name such as client.admin, got ${JSON.stringify(text)}`)
    : Result.succeed({ type: type[0], id: text.slice(dot + 1) })
}
