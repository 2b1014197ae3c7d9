export * as Capture from "./Capture.ts"
export * as Conversation from "./Conversation.ts"
export * as Fuzz from "./Fuzz.ts"
