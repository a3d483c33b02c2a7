/** What `chatd doctor` finds in a set-up without a broker; broker_commands_test.ts has the rest. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { aboutNodes } from "../../src/commands/doctor/broker.ts";
import { createCertificates } from "../crash/certificates.ts";
import { type ChatdResult, runChatd } from "../support/chatd_process.ts";
import { freePorts } from "../support/free_ports.ts";
import { jsonLines } from "../support/script_user.ts";
import { ServerProcess } from "../support/server_process.ts";
import { temporaryFolder } from "../support/temporary_folder.ts";

const password = { CHATD_PASSWORD: "correct horse" };
const [nobody] = await freePorts(1);
const nowhere = ["--listen", `127.0.0.1:${nobody}`];

async function doctor(...args: string[]): Promise<ChatdResult> {
  return await runChatd({ args: ["doctor", ...args] });
}

/** A data folder with a user, and no server. */
async function makeData(folder: string): Promise<string> {
  const data = `${folder}/data`;
  const { code, stderr } = await runChatd({ args: ["user", "add", "ana", "--data", data], env: password });
  assert.equal(code, 0, stderr);
  return data;
}

function change(data: string, sql: string): void {
  using database = new DatabaseSync(`${data}/chatd.sqlite`, { enableForeignKeyConstraints: false });
  database.exec(sql);
}

Deno.test("doctor finds nothing to fix where a server runs, and says what it looked at, in JSON too", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: `${folder.path}/data` });
  const config = `${folder.path}/chatd.toml`;
  Deno.writeTextFileSync(config, `data = "data"\n[grpc]\nlisten = "127.0.0.1:${server.port}"\n`);
  const { code, stdout, stderr } = await doctor("--config", config, "--check-database");
  assert.equal(code, 0, stdout + stderr);
  for (
    const what of [
      /^ok +configuration: all of ".*chatd\.toml" is understood \(2 settings\)$/m,
      /^ok +data folder: ".*data" is there, for its owner only$/m,
      /^ok +data folder: a server has it \(process \d+\)$/m,
      /^ok +database: the database has the schema of this chatd/m,
      /^ok +database: SQLite finds no damage/m,
      /^ok +database: the clock says/m,
      /^(ok|warning) +disk: the disk has \d+ MiB left$/m,
      /^(ok|warning) +files: the server may open \d+ files/m,
      /^ok +server: it is chatd \d+\.\d+\.\d+ .*, as this program$/m,
      /^ok +server: a server at \S+ says over gRPC that it serves$/m,
      /^Nothing to fix\.$/m,
    ]
  ) assert.match(stdout, what);
  const json = await doctor("--config", config, "--json");
  const found = jsonLines(json.stdout);
  assert.ok(found.some(({ area, kind, what }) => area === "server" && kind === "ok" && /serves/.test(`${what}`)));

  Deno.writeTextFileSync(config, "lisen = 1\n", { append: true });
  const unknown = await doctor("--config", config);
  assert.equal(unknown.code, 2);
  assert.match(
    unknown.stderr,
    /chatd\.toml:4: grpc\.lisen: there is no such setting in \[grpc\]\. Did you mean "listen"\?/,
  );
});

Deno.test("doctor says where the server of a folder does not answer, and where another one does", async () => {
  using folder = temporaryFolder();
  const data = `${folder.path}/data`;
  {
    await using server = await ServerProcess.start({ folder: data });
    const elsewhere = await doctor("--data", data, ...nowhere);
    assert.equal(elsewhere.code, 1);
    assert.match(elsewhere.stdout, /PROBLEM +server: nobody answers over gRPC at \S+: connect ECONNREFUSED/);
    assert.match(elsewhere.stdout, /^1 problem to fix\.$/m);
    const other = await doctor("--data", `${folder.path}/other`, "--listen", `127.0.0.1:${server.port}`);
    assert.match(other.stdout, /warning +server: it is not the server of this data folder/);
  }
  const stopped = await doctor("--data", data, ...nowhere);
  assert.equal(stopped.code, 0, stopped.stderr);
  assert.match(stopped.stdout, /warning +data folder: no server runs on it\n +Start one: "chatd serve"/);
});

Deno.test("doctor looks at the data folder: who may look into it, its schema, backups and the clock", async () => {
  using folder = temporaryFolder();
  const data = await makeData(folder.path);
  const found = async () => (await doctor("--data", data, ...nowhere)).stdout;
  assert.match(await found(), /ok +database: there is nothing to back up yet/);
  {
    await using server = await ServerProcess.start({ folder: data });
    const { code, stderr } = await runChatd({ args: ["backup", `${folder.path}/backup`, "--data", data] });
    assert.equal(code, 0, stderr);
    server.kill("SIGTERM");
    await server.ended();
  }
  assert.match(await found(), /ok +database: the last backup that is known was made at /);
  change(data, `UPDATE audit SET at = at - ${9 * 86_400_000} WHERE action = 'backup_made'`);
  assert.match(await found(), /warning +database: the last backup that is known was made at .*, 9 days ago/);

  const inAnHour = Date.now() + 3_600_000;
  change(
    data,
    `DELETE FROM audit; INSERT INTO entry (conversation, seq, sender, id, accepted_at, text)
      VALUES (1, 1, 1, randomblob(16), ${inAnHour}, x'')`,
  );
  Deno.chmodSync(data, 0o755);
  const later = await found();
  assert.match(later, /warning +data folder: others on this machine can look into .* \(mode 755\)\n +chmod 700/);
  assert.match(later, /warning +database: no backup is known/);
  assert.match(later, /PROBLEM +database: the clock says .*, and the newest message is from /);

  change(data, "PRAGMA user_version = 999");
  const newer = await doctor("--data", data, ...nowhere);
  assert.equal(newer.code, 1);
  assert.match(newer.stdout, /PROBLEM +database: the database has schema 999, and this chatd knows schemas up to \d+/);
});

Deno.test("doctor warns of a write-ahead log that was not emptied", async () => {
  using folder = temporaryFolder();
  const data = await makeData(folder.path);
  const found = async () => (await doctor("--data", data, ...nowhere)).stdout;
  assert.doesNotMatch(await found(), /write-ahead log/);
  using reader = new DatabaseSync(`${data}/chatd.sqlite`, { readOnly: true });
  reader.prepare("SELECT count(*) FROM user").get();
  Deno.truncateSync(`${data}/chatd.sqlite-wal`, 300 * 1024 * 1024);
  assert.match(
    await found(),
    /warning +database: the write-ahead log has 300 MiB: a reader keeps it .*\n +End the backup/,
  );
});

Deno.test("doctor goes on where it cannot look into the data folder", async () => {
  using folder = temporaryFolder();
  const file = `${folder.path}/file`;
  Deno.writeTextFileSync(file, "");
  for (const data of [file, `${file}/data`]) {
    const { code, stdout, stderr } = await doctor("--data", data, "--max-disk", "16MiB", ...nowhere);
    assert.equal(code, 1, stdout + stderr);
    assert.match(stdout, /PROBLEM +data folder: ".*" is not a folder of the user who runs this\n/);
    assert.match(stdout, /^1 problem to fix\.$/m);
  }
});

Deno.test("doctor finds a damaged database, and changes nothing of it", async () => {
  using folder = temporaryFolder();
  const data = await makeData(folder.path);
  const path = `${data}/chatd.sqlite`;
  const whole = Deno.readFileSync(path);
  // The pages after the first few are wiped: opening it sees nothing of that.
  Deno.writeFileSync(path, whole.fill(0, 5 * 4096));
  const { code, stdout } = await doctor("--data", data, "--check-database", ...nowhere);
  assert.equal(code, 1);
  assert.match(stdout, /PROBLEM +database: .*damaged.*\n +Stop the server, and restore a backup/);
  assert.deepEqual(Deno.readFileSync(path), whole);
  Deno.writeTextFileSync(path, "no database at all, but long enough to look at it".repeat(20));
  assert.match((await doctor("--data", data, ...nowhere)).stdout, /PROBLEM +database: .* is damaged or not a database/);
});

Deno.test("doctor reads the certificate: until when, for whom, and whether the server shows it", async () => {
  using folder = temporaryFolder();
  const certificates = await createCertificates();
  const write = (name: string, { certificate, key }: { certificate: string; key: string }) => {
    Deno.writeTextFileSync(`${folder.path}/${name}.pem`, certificate);
    Deno.writeTextFileSync(`${folder.path}/${name}.key`, key, { mode: 0o600 });
    return ["--tls-cert", `${folder.path}/${name}.pem`, "--tls-key", `${folder.path}/${name}.key`];
  };
  const own = write("own", certificates.server);
  const expired = write("expired", certificates.expiredClient);
  const data = `${folder.path}/data`;
  await using server = await ServerProcess.start({ folder: data, args: own });
  const at = ["--data", data, "--listen", `127.0.0.1:${server.port}`];

  const good = await doctor(...at, ...own);
  assert.equal(good.code, 0, good.stdout + good.stderr);
  assert.match(good.stdout, /warning +certificate: the certificate is valid until \S+: \d days/);
  assert.match(good.stdout, /ok +certificate: it is for localhost/);
  assert.match(good.stdout, /ok +server: a server at \S+ says over gRPC that it serves/);

  const bad = await doctor(...at, ...expired);
  assert.equal(bad.code, 1);
  assert.match(bad.stdout, /PROBLEM +certificate: The certificate in ".*expired\.pem" expired at /);
  assert.match(
    bad.stdout,
    /PROBLEM +certificate: the server shows another certificate than the one in ".*expired\.pem"/,
  );

  const plain = await doctor(...at);
  assert.match(plain.stdout, /PROBLEM +server: nobody answers over gRPC at /);
  const open = await doctor("--data", data, "--listen", `chat.example.org:${nobody}`, ...own);
  assert.match(open.stdout, /PROBLEM +certificate: the certificate is for localhost.*, and not for chat\.example\.org/);
  const bare = await doctor("--data", `${folder.path}/other`, "--listen", `0.0.0.0:${nobody}`);
  assert.match(
    bare.stdout,
    /PROBLEM +certificate: 0\.0\.0\.0:\d+ is not of this machine alone, and there is no certificate/,
  );
  Deno.chmodSync(`${folder.path}/own.key`, 0o644);
  assert.match(
    (await doctor(...at, ...own)).stdout,
    /warning +certificate: everybody on this machine can read the private key/,
  );
});

Deno.test("doctor looks at what the disk and the number of files allow", async () => {
  using folder = temporaryFolder();
  const data = await makeData(folder.path);
  Deno.writeFileSync(`${data}/large`, new Uint8Array(16 * 1024 * 1024));
  const full = await doctor("--data", data, "--max-disk", "16MiB", ...nowhere);
  assert.equal(full.code, 1);
  assert.match(full.stdout, /PROBLEM +disk: of 16 MiB \(--max-disk\), 1\d MiB are taken/);
  assert.match((await doctor("--data", data, "--max-disk", "900TiB", ...nowhere)).stdout, /the disk is full before/);

  const main = new URL("../../main.ts", import.meta.url).pathname;
  const line = `ulimit -n 500 && exec "$0" run -A "$@"`;
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", line, Deno.execPath(), main, "doctor", "--data", data, ...nowhere],
  }).output();
  assert.match(new TextDecoder().decode(stdout), /warning +files: a process may open 500 files.*\n.*ulimit -n/);
});

Deno.test("a broker of several nodes is a warning, and nodes that do not see each other are a problem", () => {
  const kinds = (nodes: Parameters<typeof aboutNodes>[0]) => [...aboutNodes(nodes)].map(({ kind }) => kind);
  assert.deepEqual(kinds([{ name: "rabbit@a", running: true, partitions: [] }]), ["ok"]);
  const [a, b] = [{ name: "rabbit@a", running: true }, { name: "rabbit@b", running: false }];
  assert.deepEqual(kinds([a, b]), ["warning"]);
  assert.match([...aboutNodes([a, b])][0].what, /cluster of 2 nodes: rabbit@a; rabbit@b, which does not run/);
  assert.deepEqual(kinds([{ ...a, partitions: ["rabbit@b"] }, b]), ["problem", "warning"]);
});
