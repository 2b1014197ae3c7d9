/**
 * Capture files, which anybody may hand to `msgr2 explain`.
 */
import * as Pcap from "@msgr2/cli/explain/Pcap"
import { Bytes } from "@msgr2/wire"
import { Result } from "effect"
import { must, reader, type Target } from "../Target.ts"

/** Numbers of 32 bits, or of 16 where a width of 2 is given. */
const words = (little: boolean, ...fields: ReadonlyArray<number | readonly [value: number, width: 2]>): Uint8Array =>
  Bytes.concat(
    fields.map((field) => {
      const [value, width] = typeof field === "number" ? ([field, 4] as const) : field
      const bytes = new Uint8Array(width)
      const view = new DataView(bytes.buffer)
      if (width === 2) view.setUint16(0, value, little)
      else view.setUint32(0, value, little)
      return bytes
    })
  )

const packet = Uint8Array.from({ length: 60 }, (_, i) => i)

const classic = (little: boolean, magic: number): Uint8Array => {
  const record = (second: number) => Bytes.concat([words(little, second, 5, packet.length, packet.length), packet])
  return Bytes.concat([words(little, magic, [2, 2], [4, 2], 0, 0, 0xffff, 1), record(1000), record(1001)])
}

const modern = (little: boolean): Uint8Array => {
  const section = words(little, 0x0a0d0d0a, 28, 0x1a2b3c4d, [1, 2], [0, 2], 0xffff_ffff, 0xffff_ffff, 28)
  const face = words(little, 1, 20, [1, 2], [0, 2], 0xffff, 20)
  const enhanced = Bytes.concat([
    words(little, 6, 32 + packet.length, 0, 0, 7, packet.length, packet.length),
    packet,
    words(little, 32 + packet.length)
  ])
  return Bytes.concat([section, face, enhanced, enhanced])
}

export const target: Target = reader({
  name: "pcap",
  seeds: () => [
    classic(true, 0xa1b2c3d4),
    classic(false, 0xa1b23c4d),
    classic(true, 0xa1b2cd34),
    modern(true),
    modern(false)
  ],
  read: (bytes) => {
    const { format, packets } = Result.getOrThrow(Pcap.open(bytes))
    let count = 0
    const each = packets()
    for (;;) {
      const step = each.next()
      if (step.done === true) {
        const note = step.value?.replace(/\d+/g, "0").slice(0, 40)
        return `${format}, ${Math.min(count, 3)} packets, ${note ?? "whole"}`
      }
      const { bytes: captured, size, time } = step.value
      must(captured.buffer === bytes.buffer, "packets are views into the file")
      must(Number.isFinite(time) && Number.isFinite(size), "times and sizes are numbers")
      must(++count <= bytes.length, "there are no more packets than bytes")
    }
  },
  isTyped: (error) => error instanceof Pcap.PcapError
})
