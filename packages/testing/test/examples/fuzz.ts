import { Fuzz } from "@msgr2/testing"
import { Codec } from "@msgr2/wire"
import { Arbitrary, Effect } from "effect"

// A layout of your own. Its Schema comes with it, and with that a generator of its values.
const Lease = Codec.struct("Lease", { epoch: Codec.u32, holder: Codec.string, seconds: Codec.u16 })

// The same, by somebody who read one byte too few.
const Hasty: typeof Lease = {
  ...Lease,
  read: (reader) => {
    const lease = Lease.read(reader)
    return { ...lease, seconds: lease.seconds & 0xff }
  }
}

// Every value survives its bytes, no prefix of them is taken for one, damage ends in a value or a WireError.
for (const codec of [Lease, Hasty]) {
  const result = await Effect.runPromise(Fuzz.check(codec, { seed: 7, runs: 500 }))
  console.log(Arbitrary.formatCheckFailure(result) ?? "nothing found")
}
