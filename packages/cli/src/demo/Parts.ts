/**
 * What the two processes of the demonstration tell each other beside the connection under show.
 */
import { EntityType, type EntityName } from "@msgr2/wire/EntityName"
import type { Sight } from "./Chart.ts"

export const clientName: EntityName = { type: EntityType.Client, id: "demo" }

/** What the parent tells: everything has been said, how was it? */
export const REPORT = "report"

export type FromServer =
  | { readonly _tag: "Listening"; readonly address: string; readonly keyring: string }
  | { readonly _tag: "Sight"; readonly sight: Sight }
  | {
      readonly _tag: "Result"
      readonly heard: string
      readonly said: string
      readonly count: number
      readonly bytes: number
    }
