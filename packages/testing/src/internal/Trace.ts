/**
 * What happened in a run, as a hash that tells two runs apart and, if somebody wants to read it, as lines.
 */

/** Two FNV-1a hashes with different beginnings, for 64 bits. */
export class Trace {
  /** What happened, when it is kept. */
  readonly lines: Array<string> | undefined
  private a = 0x811c_9dc5
  private b = 0x9e37_79b9

  constructor(keep: boolean) {
    this.lines = keep ? [] : undefined
  }

  /** **Units** a whole number; what lies above its lowest 32 bits is taken apart. */
  number(value: number): void {
    this.mix(value | 0)
    if (value > 0xffff_ffff) this.mix(Math.floor(value / 0x1_0000_0000))
  }

  bytes(bytes: Uint8Array): void {
    let { a } = this
    for (let i = 0; i < bytes.length; i++) a = Math.imul(a ^ bytes[i]!, 0x0100_0193)
    this.a = a
    this.mix(bytes.length)
  }

  text(text: string): void {
    for (let i = 0; i < text.length; i++) this.mix(text.charCodeAt(i))
  }

  private mix(value: number): void {
    this.a = Math.imul(this.a ^ value, 0x0100_0193)
    this.b = Math.imul(this.b ^ this.a ^ (this.b >>> 15), 0x85eb_ca6b)
  }

  /** 16 hex digits. */
  get hash(): string {
    return [this.a, this.b].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("")
  }
}
