/**
 * A machine in a simulated network: its address, its transport, and the places where it lets others in.
 */
import { Gate } from "@msgr2/messenger/Gate"
import { Transport } from "@msgr2/messenger/Transport"
import * as EntityAddr from "@msgr2/wire/EntityAddr"
import type * as Context from "effect/Context"
import type { Link } from "./internal/Link.ts"
import type { SimNetwork } from "./SimNetwork.ts"

/** Where links arrive. */
export interface Door {
  readonly address: EntityAddr.EntityAddr
  readonly visitors: Array<Link>
  readonly gate: Gate
}

/** A machine in the network. */
export class SimHost {
  readonly name: string
  readonly ip: string
  readonly doors = new Map<number, Door>()
  /** False while it is switched off: nobody refuses a link there, and nobody takes it. */
  isOn = true
  /** True while there is nobody to take links. */
  isRefusing = false
  nextPort = 49_152
  readonly transport: Context.Service.Shape<typeof Transport>
  /** Told when something that those who dial it wait for has changed. */
  readonly changed = new Gate()

  constructor(name: string, ip: string, network: SimNetwork) {
    this.name = name
    this.ip = ip
    this.transport = Transport.of({
      connect: (address) => network.connect(this, address),
      listen: (address) => network.listen(this, address)
    })
  }

  /** An address of this host. */
  address(port: number, nonce = 0): EntityAddr.EntityAddr {
    return EntityAddr.make(this.ip, port, nonce) ?? EntityAddr.blank
  }
}
