import assert from "node:assert/strict";
import { networkReason } from "../../src/core/network_reason.ts";
import { knownPathReason, listenReason, pathReason, systemReason } from "../../src/core/system_error.ts";
import { assertExplainsAnything, assertReason } from "../support/checks/reasons.ts";

function failed(code: string | undefined, message = `${code}: some words, open '/some/path'`): Error {
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

Deno.test("each refusal of a path has a reason for people", () => {
  const refusals = ["ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM", "EMFILE", "ENFILE", "ENOMEM", "EIO"];
  const wrong = ["ENOENT", "EISDIR", "ENOTDIR", "EEXIST", "ENOTEMPTY", "ELOOP", "ENAMETOOLONG", "EINVAL", "EBUSY"];
  for (const code of [...refusals, ...wrong]) {
    assertReason(pathReason(failed(code)), failed(code).message);
    assert.equal(knownPathReason(failed(code)), pathReason(failed(code)));
    assert.equal(systemReason(failed(code)) !== undefined, refusals.includes(code), code);
  }
  assert.equal(
    pathReason(new Deno.errors.PermissionDenied("Permission denied (os error 13)")),
    systemReason(failed("EACCES")),
  );
});

Deno.test("an error without a code is known by the number in its words", () => {
  assert.equal(
    pathReason(failed(undefined, "File too large (os error 27): writefile 'x'")),
    systemReason(failed("EFBIG")),
  );
  assert.equal(
    systemReason(failed(undefined, "Import 'x' failed.\n 0: Too many open files (os error 24)")),
    systemReason(failed("EMFILE")),
  );
  assert.equal(
    pathReason(failed(undefined, "Value too large (os error 75): readfile '/secret/path'")),
    "the system reports an error (Value too large)",
  );
  assert.equal(systemReason(failed(undefined, "something else")), undefined);
  assert.equal(systemReason("ENOSPC"), undefined);
});

Deno.test("each refusal of an address to listen on has a reason with advice", () => {
  for (const code of ["EADDRINUSE", "EADDRNOTAVAIL", "EINVAL", "EACCES", "EAFNOSUPPORT", "ENOTFOUND", "EAI_AGAIN"]) {
    const reason = listenReason(failed(code, `listen ${code}: some words 10.0.0.1:80`));
    assertReason(reason, code);
    assert.match(reason, /: \w+ .*/, code);
  }
  assert.match(
    listenReason(failed(undefined, "failed to lookup address information: Name")),
    /^there is no such host: /,
  );
  assert.match(listenReason(failed("EMFILE")), /ulimit -n/);
});

Deno.test("unknown words of the system are in brackets", () => {
  assertExplainsAnything((words) => pathReason(failed(undefined, words)));
  assert.match(listenReason(failed(undefined, "other words")), /^the system reports an error \(other words\)$/);
  assert.equal(networkReason("other words"), undefined);
});
