import assert from "node:assert/strict";
import { confusablesTable } from "../../packaging/confusables.ts";

Deno.test("the table of lookalikes is up to date with the data of Unicode", () => {
  const committed = Deno.readTextFileSync(new URL("../../src/core/accounts/confusables.ts", import.meta.url));
  assert.equal(committed, confusablesTable(), "run: deno task confusables");
});
