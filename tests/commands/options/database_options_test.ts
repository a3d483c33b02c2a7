import assert from "node:assert/strict";
import type { NodeOptions } from "../../../src/app/database/database_access.ts";
import { parseCommandLine } from "../../../src/cli/command_line.ts";

function chatd(line: string, env: Record<string, string> = {}) {
  let err = "";
  const output = { stdout() {}, stderr: (text: string) => void (err += text), colors: false, width: undefined };
  const result = parseCommandLine(line.split(" "), { env: (variable) => env[variable], output });
  if (typeof result === "number") return { code: result, err };
  return { options: result.options as Record<string, unknown>, err };
}

const url = "postgres://chatd@db/chatd";

Deno.test("every server takes a database, the files of its login, and the name of its node", () => {
  for (const command of ["serve", "grpc-server", "amqp-server"]) {
    const files = "--database-password-file pw --database-ca-file ca.pem";
    const { options } = chatd(`${command} --database ${url} ${files} --node one`);
    const { url: parsed, ...rest } = options!.database as NodeOptions;
    assert.equal(parsed.address.database, "chatd");
    assert.deepEqual(rest, { passwordFile: "pw", caFile: "ca.pem", node: "one" }, command);
    assert.equal(chatd(command).options!.database, undefined);
  }
});

Deno.test("the environment may name the database with its password, and the command line may not", () => {
  const secret = "postgres://chatd:secret@db/chatd";
  const { options } = chatd("serve", { CHATD_DATABASE: secret, CHATD_NODE: "one" });
  const { url: { password }, node } = options!.database as NodeOptions;
  assert.deepEqual([password, node], ["secret", "one"]);
  const { code, err } = chatd(`serve --database ${secret}`);
  assert.equal(code, 2);
  assert.match(err, /Any user of this machine can read a password.*--database-password-file/);
  assert.doesNotMatch(err, /secret@/);
});

Deno.test("options of a database without one are refused", () => {
  const useless: [string, RegExp][] = [
    ["serve --database-password-file pw", /--database-password-file needs --database/],
    ["serve --database-ca-file ca.pem", /--database-ca-file needs --database/],
    ["serve --node one", /--node needs --database/],
    ["database check", /--database is missing: give it, or set CHATD_DATABASE/],
    [`serve --database ${url} --node a/b`, /not the name of a node/],
  ];
  for (const [line, expected] of useless) {
    const { code, err } = chatd(line);
    assert.equal(code, 2, line);
    assert.match(err, expected);
  }
});

Deno.test("the operator's commands take a database beside the folder of a server that may run", () => {
  for (const line of ["user list", "user disable ana", "room list", "retention list", "audit"]) {
    const { place } = chatd(`${line} --database ${url} --data mine`).options as {
      place: { dataDir: string; database: NodeOptions };
    };
    assert.deepEqual([place.dataDir, place.database.url.address.user], ["mine", "chatd"], line);
  }
});

Deno.test("backup and restore name the tools of PostgreSQL", () => {
  assert.match(chatd(`backup there --database ${url}`).err, /pg_dump --format=custom.*pgBackRest/);
  assert.match(chatd(`restore there --data new --database ${url}`).err, /pg_restore or pgBackRest/);
});
