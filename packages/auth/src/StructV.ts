/**
 * The version byte in front of CephX structures, which have neither a compat version nor a length.
 *
 * **Source** Ceph `src/auth/cephx/CephxProtocol.h`
 */
import * as Codec from "@msgr2/wire/Codec"

/**
 * `body` behind its version.
 *
 * **Shape** `structV:u8 body`. A newer version is read as `version`: fields are only ever appended.
 *
 * **Errors** `Unsupported` for an older version.
 */
export const structV = <A>(version: number, body: Codec.Codec<A>): Codec.Codec<A> => ({
  name: body.name,
  schema: body.schema,
  min: 1 + body.min,
  size: (value) => 1 + body.size(value),
  write: (writer, value) => {
    Codec.u8.write(writer, version)
    body.write(writer, value)
  },
  read: (reader) => {
    const at = reader.offset
    if (Codec.u8.read(reader) < version) reader.fail(body.name, "Unsupported", `version ${version} or newer`, at)
    return body.read(reader)
  }
})
