/**
 * A server whose clock is years away from the last time seen: the data folder is moved in time, as the system's clock cannot be.
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { exitCode } from "../../src/commands/exit_code.ts";
import { createCertificates } from "../crash/certificates.ts";
import { runChatd } from "../support/processes/chatd_process.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { ScriptUser } from "../support/processes/script_user.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const day = 24 * 60 * 60 * 1000;
const years = 5 * 365 * day;

function withDatabase<T>(folder: string, use: (database: DatabaseSync) => T): T {
  using database = new DatabaseSync(`${folder}/data/chatd.sqlite`);
  return use(database);
}

/** Everything that time is kept of becomes so much older. */
function age(folder: string, ms: number): void {
  const columns: [table: string, columns: string[]][] = [
    ["log", ["seen_at"]],
    ["entry", ["accepted_at"]],
    ["device", ["created_at", "last_used_at", "expires_at"]],
    ["consumer", ["used_at"]],
    ["invite", ["created_at", "expires_at"]],
    ["file", ["begun_at"]],
  ];
  withDatabase(folder, (database) => {
    for (const [table, names] of columns) {
      database.exec(`UPDATE ${table} SET ${names.map((name) => `${name} = ${name} - ${ms}`).join(", ")}`);
    }
  });
}

/** The server believed its clock an hour ago: it is not in doubt. */
function believe(folder: string): void {
  withDatabase(folder, (database) => database.exec(`UPDATE log SET seen_at = ${Date.now() - day / 24}`));
}

function countRows(folder: string): Record<string, unknown> {
  const tables = ["entry", "device", "consumer", "invite", "file"];
  const counts = tables.map((table) => `(SELECT count(*) FROM ${table}) AS ${table}`);
  return withDatabase(folder, (database) => ({ ...database.prepare(`SELECT ${counts.join(", ")}`).get() }));
}

/** A rule for retention, two messages, a device that is logged out, an invitation and an upload that nothing was sent with. */
async function fillFolder(folder: string): Promise<{ ana: ScriptUser; port: number }> {
  await using server = await ServerProcess.start({ folder: `${folder}/data` });
  const place = ["--server", `127.0.0.1:${server.port}`];
  const [ana, ben] = ["ana", "ben"].map((user) => new ScriptUser(user, { folder, place }));
  for (const user of [ana, ben]) assert.equal((await user.register()).code, 0);
  const { code, stderr } = await ana.run(["send", "--to", "ben", "--lines"], "one\ntwo");
  assert.equal(code, 0, stderr);
  assert.equal((await ben.run(["logout"])).code, 0);
  for (const args of [["retention", "set", "all", "--max-age", "30d"], ["user", "invite"]]) {
    const { code, stderr } = await runChatd({ args, env: { CHATD_DATA: `${folder}/data` } });
    assert.equal(code, 0, stderr);
  }
  const { port } = server;
  server.kill("SIGTERM");
  await server.ended();
  withDatabase(folder, (database) =>
    database.exec(
      `INSERT INTO file (owner, id, name, media_type, size, sha256, begun_at)
       SELECT id, randomblob(16), 'a', '', 1, randomblob(32), ${Date.now()} FROM user WHERE name = 'ana'`,
    ));
  return { ana, port };
}

async function historyOf(user: ScriptUser): Promise<string> {
  const { code, stdout, stderr } = await user.run(["history", "--with", "ben"]);
  assert.equal(code, 0, stderr);
  return stdout;
}

Deno.test("a clock that is years ahead at the start removes nothing and logs nobody out, until it is believed", async () => {
  using folder = temporaryFolder();
  const { ana, port } = await fillFolder(folder.path);
  age(folder.path, years);
  const before = countRows(folder.path);
  {
    await using server = await ServerProcess.start({ folder: `${folder.path}/data`, port });
    await eventually(() => server.stderr.some((line) => /more than a day ahead of the last time seen/.test(line)));
    const line = server.stderr.find((line) => /more than a day ahead/.test(line))!;
    const [now, seen] = [new Date(), new Date(Date.now() - years)].map((time) => time.toISOString().slice(0, 10));
    for (const time of [now, seen]) assert.ok(line.includes(time), line);
    assert.match(await historyOf(ana), /one\n[^]*two\n/);
    server.kill("SIGTERM");
    await server.ended();
    assert.equal(server.stderr.some((line) => /old \w+ removed/.test(line)), false, server.stderr.join("\n"));
  }
  assert.deepEqual(countRows(folder.path), before);

  // The same folder, once the clock is believed: this is what would have been lost.
  believe(folder.path);
  await using server = await ServerProcess.start({ folder: `${folder.path}/data`, port });
  for (const event of [/old entries removed/, /expired uploads removed/]) {
    await eventually(() => server.stderr.some((line) => event.test(line)));
  }
  assert.equal((await ana.run(["history", "--with", "ben"])).code, exitCode.authentication);
});

Deno.test("a clock that is years behind at the start is an error in the log, and takes neither messages nor logins away", async () => {
  using folder = temporaryFolder();
  const { ana, port } = await fillFolder(folder.path);
  age(folder.path, -years);
  const before = countRows(folder.path);
  await using server = await ServerProcess.start({ folder: `${folder.path}/data`, port });
  await eventually(() => server.stderr.some((line) => /the clock is behind the last time seen/.test(line)));
  assert.match(await historyOf(ana), /one\n[^]*two\n/);
  assert.equal((await ana.run(["send", "--to", "ben", "three"])).code, 0);
  const cleo = new ScriptUser("cleo", { folder: folder.path, place: ["--server", `127.0.0.1:${port}`] });
  assert.equal((await cleo.register()).code, 0);
  assert.equal((await cleo.run(["send", "--to", "ben", "four"])).code, 0);
  const invited = await runChatd({ args: ["user", "invite"], env: { CHATD_DATA: `${folder.path}/data` } });
  assert.equal(invited.code, 0, invited.stderr);
  server.kill("SIGTERM");
  await server.ended();
  const rows = Object.entries(countRows(folder.path)).map((
    [table, count],
  ) => [table, Number(count) - Number(before[table])]);
  assert.deepEqual(Object.fromEntries(rows), { entry: 2, device: 1, consumer: 1, invite: 1, file: 0 });
});

Deno.test("a certificate that expired only by a clock that is ahead ends a server with 1, and names both times", async () => {
  using folder = temporaryFolder();
  const { expiredClient: { certificate, key } } = await createCertificates();
  Deno.writeTextFileSync(`${folder.path}/cert.pem`, certificate);
  Deno.writeTextFileSync(`${folder.path}/key.pem`, key);
  const args = ["serve", "--listen", "127.0.0.1:0", "--data", `${folder.path}/data`, "--no-supervise"];
  const tls = ["--tls-cert", `${folder.path}/cert.pem`, "--tls-key", `${folder.path}/key.pem`];
  const start = () => runChatd({ args: [...args, ...tls] });
  const { code, stderr } = await start();
  assert.equal(code, exitCode.refused, stderr);
  await using server = await ServerProcess.start({ folder: `${folder.path}/data` });
  server.kill("SIGTERM");
  await server.ended();
  assert.equal((await start()).code, exitCode.refused);
  age(folder.path, 2 * day);
  const doubted = await start();
  assert.equal(doubted.code, exitCode.failed, doubted.stderr);
  assert.match(
    doubted.stderr,
    /expired at 2\S+Z: renew it, or set this machine's clock, which says 2\S+Z and last said 2\S+Z\.$/m,
  );
});
