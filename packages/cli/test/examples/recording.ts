import { Capture, Conversation } from "@msgr2/testing"
import { Result } from "effect"

// What a monitor of Ceph 18.2.7 sent to `ceph -s` in secure mode, opened with the recorded secret.
for (const connection of Capture.load("c-cephx-secure-r18").connections.slice(1)) {
  const { s2c } = Result.getOrThrow(Conversation.read(connection))
  for (const { frame, size } of s2c.entries.slice(0, 6)) console.log(frame._tag, size)
}
