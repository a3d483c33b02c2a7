import assert from "node:assert/strict";
import { parseNewPassword, parsePassword } from "../../../src/core/accounts/password.ts";
import { throwsWith } from "../../support/checks/chat_error_assertions.ts";

Deno.test("parseNewPassword() counts characters, not units, and composes them", () => {
  assert.equal(parseNewPassword("🔑".repeat(8)), "🔑".repeat(8));
  assert.equal(parseNewPassword("🔑".repeat(128)), "🔑".repeat(128));
  assert.equal(parseNewPassword("a\u0308".repeat(8)), "ä".repeat(8));
  throwsWith("invalid_argument", () => parseNewPassword("🔑".repeat(7)));
  throwsWith("invalid_argument", () => parseNewPassword("a\u0308".repeat(7)));
  throwsWith("invalid_argument", () => parseNewPassword("🔑".repeat(129)));
});

Deno.test("parsePassword() takes a short one, and no empty, endless or broken one", () => {
  assert.equal(parsePassword("short"), "short");
  for (const password of ["", "x".repeat(129), "x".repeat(1_000_000), "broken \ud800"]) {
    throwsWith("invalid_argument", () => parsePassword(password));
  }
});
