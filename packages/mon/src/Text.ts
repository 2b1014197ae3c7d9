/**
 * Text for people to read. Ceph gives `std::string` no charset, and a status line may quote an object's name: one bad
 * byte must not cost a whole message.
 */
import * as Codec from "@msgr2/wire/Codec"

const tolerantUtf8 = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true })

/**
 * A u32 length and that many bytes, read as UTF-8 with U+FFFD in place of what is not UTF-8. Such text does not come
 * back as the bytes it was: for names and keys that are sent back use `Codec.string`, for output `Codec.bytes`.
 */
export const Text: Codec.Codec<string> = {
  ...Codec.string,
  name: "Text",
  read: (reader) => tolerantUtf8.decode(Codec.bytes.read(reader))
}
