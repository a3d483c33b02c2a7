import assert from "node:assert/strict";
import { ScryptHasher } from "../../src/host/scrypt_hasher.ts";

Deno.test("ScryptHasher makes a hash with its parameters that matches only its password", async () => {
  const hasher = new ScryptHasher();
  const hash = await hasher.hash("correct horse");
  assert.match(hash, /^\$scrypt\$ln=15,r=8,p=3\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.deepEqual(await hasher.verify("correct horse", hash), { matches: true, outdated: false });
  assert.deepEqual(await hasher.verify("correct horsf", hash), { matches: false, outdated: false });
});

Deno.test("ScryptHasher salts each hash", async () => {
  const hasher = new ScryptHasher({ logN: 4, r: 8, p: 1 });
  assert.notEqual(await hasher.hash("correct horse"), await hasher.hash("correct horse"));
});

Deno.test("ScryptHasher verifies a hash with other parameters, and reports it as outdated", async () => {
  const hash = await new ScryptHasher({ logN: 4, r: 8, p: 1 }).hash("correct horse");
  const raised = new ScryptHasher({ logN: 5, r: 8, p: 1 });
  assert.deepEqual(await raised.verify("correct horse", hash), { matches: true, outdated: true });
  assert.deepEqual(await raised.verify("wrong", hash), { matches: false, outdated: true });
});

Deno.test("ScryptHasher has an unmatchable hash with its parameters, different for each instance", async () => {
  const hasher = new ScryptHasher({ logN: 4, r: 8, p: 1 });
  assert.deepEqual(await hasher.verify("", hasher.unmatchable), { matches: false, outdated: false });
  assert.notEqual(hasher.unmatchable, new ScryptHasher({ logN: 4, r: 8, p: 1 }).unmatchable);
});

Deno.test("ScryptHasher refuses other formats, and parameters beyond its memory", async () => {
  const hasher = new ScryptHasher();
  await assert.rejects(hasher.verify("correct horse", "$2b$10$abc"), /not a scrypt hash/);
  const greedy = hasher.unmatchable.replace("ln=15", "ln=25");
  await assert.rejects(hasher.verify("correct horse", greedy));
});
