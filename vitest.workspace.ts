import { defineConfig } from "vitest/config"

const packages = ["wire", "frame", "session", "auth", "messenger", "mon", "testing", "cli"]

export default defineConfig({
  test: {
    projects: packages.map((name) => ({
      extends: true,
      test: {
        name,
        root: `packages/${name}`,
        include: ["test/**/*.test.ts"],
        exclude: ["test/**/*.live.test.ts"]
      }
    }))
  }
})
