import assert from "node:assert/strict";
import { releasesAfter } from "./deno_versions.ts";

Deno.test("releasesAfter() gives later releases in their order, and no previews", () => {
  const versions = ["2.10.0", "2.9.4", "3.0.0-rc.1", "2.9.3", "2.9.10", "1.46.3", "2.9.2"];
  assert.deepEqual(releasesAfter("2.9.3", versions), ["2.9.4", "2.9.10", "2.10.0"]);
});
