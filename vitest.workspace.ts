import { defineConfig } from "vitest/config"

const packages = ["wire", "frame", "session", "auth", "messenger", "mon", "testing", "cli"]

export default defineConfig({
  test: {
    // Claims, not races: a machine that is busy with other things proves nothing wrong.
    testTimeout: 30_000,
    projects: [
      ...packages.map((name) => ({
        extends: true as const,
        test: {
          name,
          root: `packages/${name}`,
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.live.test.ts"]
        }
      })),
      // Real Ceph, named by the environment: `npm run test:ceph` starts it. Not part of `npm test`.
      ...(process.env["CEPH_CONF"] === undefined
        ? []
        : [{ extends: true as const, test: { name: "ceph", include: ["packages/*/test/**/*.live.test.ts"] } }])
    ]
  }
})
