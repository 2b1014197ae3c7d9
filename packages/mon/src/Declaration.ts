/**
 * How one kind of message is declared: its number, the versions its header names, and the layout of its front.
 *
 * **Source** Ceph `src/msg/Message.h` (`HEAD_VERSION`, `COMPAT_VERSION`)
 */
import * as Codec from "@msgr2/wire/Codec"

/**
 * A kind of message.
 *
 * **Shape** `type`, `version` and `compatVersion` go into the header; `front` is the first segment behind it. The
 * codec's name is the `_tag` of its values.
 */
export interface Declaration<A extends { readonly _tag: string }> {
  readonly type: number
  readonly version: number
  readonly compatVersion: number
  readonly front: Codec.Codec<A>
}
export type Type<D> = D extends Declaration<infer A> ? A : never

/** Declares `_tag: name` with the fields of `shape`, in the order written. */
export const declaration = <const Name extends string, const F extends Codec.Fields>(
  name: Name,
  header: { readonly type: number; readonly version: number; readonly compatVersion: number },
  shape: F
): Declaration<Codec.Type<ReturnType<typeof Codec.tagged<Name, F>>>> => ({
  ...header,
  front: Codec.tagged(name, shape)
})

/** `self` when there are bytes left, nothing otherwise. Only for the end of a front. */
export const ifAny = <A>(self: Codec.Codec<A>): Codec.Codec<A | undefined> =>
  Codec.optional(self, (reader) => (reader.remaining === 0 ? undefined : self.read(reader)))
