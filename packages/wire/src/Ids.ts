/**
 * The numbers by which the two ends of a session know where they are. Each has its own brand.
 *
 * **Source** msgr2, "Message flow handshake"
 */
import * as Codec from "./Codec.ts"

/** A random 64-bit name for one end of a session; 0 while there is none. */
export const Cookie = Codec.brand("Cookie")(Codec.u64)
export type Cookie = Codec.Type<typeof Cookie>

/** Counts every attempt of a whole process to connect, so that a late one can be told from the newest. */
export const GlobalSeq = Codec.brand("GlobalSeq")(Codec.u64)
export type GlobalSeq = Codec.Type<typeof GlobalSeq>

/** Counts the attempts to reconnect one session. */
export const ConnectSeq = Codec.brand("ConnectSeq")(Codec.u64)
export type ConnectSeq = Codec.Type<typeof ConnectSeq>

/** Counts the messages of one direction of a session; the first is 1. A `number`: no session sends 2^53 messages. */
export const MsgSeq = Codec.brand("MsgSeq")(Codec.counter)
export type MsgSeq = Codec.Type<typeof MsgSeq>

/** The id that the authentication service gives to a client for as long as it lives; 0 while there is none. */
export const GlobalId = Codec.brand("GlobalId")(Codec.u64)
export type GlobalId = Codec.Type<typeof GlobalId>

export const cookie = (value: bigint): Cookie => value as Cookie
export const globalSeq = (value: bigint): GlobalSeq => value as GlobalSeq
export const connectSeq = (value: bigint): ConnectSeq => value as ConnectSeq
export const msgSeq = (value: number): MsgSeq => value as MsgSeq
export const globalId = (value: bigint): GlobalId => value as GlobalId
