/**
 * Which of the compression that is configured can be had here.
 */
import * as CompressionMethod from "@msgr2/frame/CompressionMethod"
import type { CompressionPolicy } from "@msgr2/session/CompressionPolicy"
import * as Effect from "effect/Effect"
import type { MessengerConfig } from "../MessengerConfig.ts"

/** The configured policy with those of its methods that work. No library is looked for unless one is wanted. */
export const workable = ({
  compression,
  compressors
}: Pick<MessengerConfig, "compression" | "compressors">): Effect.Effect<CompressionPolicy> => {
  if (compression.mode === "none") return Effect.succeed(compression)
  const methods = compression.methods.filter(compressors.has)
  const lacking = compression.methods.filter((method) => !methods.includes(method)).map(CompressionMethod.format)
  const policy = { ...compression, methods }
  return lacking.length === 0
    ? Effect.succeed(policy)
    : Effect.as(Effect.logWarning(`compression by ${lacking.join(", ")} does not work here and is not offered`), policy)
}
