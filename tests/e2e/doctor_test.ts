/** Findings of `chatd doctor` without a broker; broker_commands_test.ts has the others. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { checkNodes } from "../../src/commands/doctor/broker.ts";
import { createCertificates } from "../crash/certificates.ts";
import { type ChatdResult, runChatd } from "../support/processes/chatd_process.ts";
import { freePorts } from "../support/processes/free_ports.ts";
import { jsonLines } from "../support/processes/script_user.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const password = { CHATD_PASSWORD: "correct horse" };
const [nobody] = await freePorts(1);
const nowhere = ["--listen", `127.0.0.1:${nobody}`];

async function doctor(...args: string[]): Promise<ChatdResult> {
  return await runChatd({ args: ["doctor", ...args] });
}

/** Creates a data folder with a user, without a server. */
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

Deno.test("doctor finds no problem with a running server, and lists its checks, also as JSON", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: `${folder.path}/data` });
  const config = `${folder.path}/chatd.toml`;
  Deno.writeTextFileSync(config, `data = "data"\n[grpc]\nlisten = "127.0.0.1:${server.port}"\n`);
  const { code, stdout, stderr } = await doctor("--config", config, "--check-database");
  assert.equal(code, 0, stdout + stderr);
  for (
    const what of [
      /^ok +configuration: ".*chatd\.toml" is valid \(2 settings\)$/m,
      /^ok +data folder: ".*data" exists, and only its owner can open it$/m,
      /^ok +data folder: a server is running on it \(process \d+\)$/m,
      /^ok +database: the database schema is current/m,
      /^ok +database: SQLite finds no damage/m,
      /^ok +database: the clock says/m,
      /^(ok|warning) +disk: the disk has \d+ MiB free$/m,
      /^(ok|warning) +files: the server may open \d+ files/m,
      /^ok +server: the server runs chatd \d+\.\d+\.\d+ .*, like this program$/m,
      /^ok +server: a server at \S+ reports over gRPC that it serves$/m,
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

Deno.test("doctor reports that the folder's server does not answer, or that another one does", async () => {
  using folder = temporaryFolder();
  const data = `${folder.path}/data`;
  {
    await using server = await ServerProcess.start({ folder: data });
    const elsewhere = await doctor("--data", data, ...nowhere);
    assert.equal(elsewhere.code, 1);
    assert.match(elsewhere.stdout, /PROBLEM +server: no server answers over gRPC at \S+: connection refused/);
    assert.match(elsewhere.stdout, /^1 problem to fix\.$/m);
    const other = await doctor("--data", `${folder.path}/other`, "--listen", `127.0.0.1:${server.port}`);
    assert.match(other.stdout, /warning +server: this server does not use this data folder/);
  }
  const stopped = await doctor("--data", data, ...nowhere);
  assert.equal(stopped.code, 0, stopped.stderr);
  assert.match(stopped.stdout, /warning +data folder: no server is running on it\n +Start one: "chatd serve"/);
});

Deno.test("doctor checks permissions, schema, backups and clock of the data folder", async () => {
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
  assert.match(await found(), /ok +database: the last recorded backup was made at /);
  change(data, `UPDATE audit SET at = at - ${9 * 86_400_000} WHERE action = 'backup_made'`);
  assert.match(await found(), /warning +database: the last recorded backup was made at .*, 9 days ago/);

  const inAnHour = Date.now() + 3_600_000;
  change(
    data,
    `DELETE FROM audit; INSERT INTO entry (conversation, seq, sender, id, accepted_at, text)
      VALUES (1, 1, 1, randomblob(16), ${inAnHour}, x'')`,
  );
  Deno.chmodSync(data, 0o755);
  const later = await found();
  assert.match(later, /warning +data folder: other users of this machine can open .* \(mode 755\)\n +chmod 700/);
  assert.match(later, /warning +database: no backup is recorded/);
  assert.match(later, /PROBLEM +database: the clock says .*, but the newest message is from /);

  change(data, "PRAGMA user_version = 999");
  const newer = await doctor("--data", data, ...nowhere);
  assert.equal(newer.code, 1);
  assert.match(
    newer.stdout,
    /PROBLEM +database: the database has schema 999, but this chatd supports schemas up to \d+/,
  );
});

Deno.test("doctor warns of a large write-ahead log", async () => {
  using folder = temporaryFolder();
  const data = await makeData(folder.path);
  const found = async () => (await doctor("--data", data, ...nowhere)).stdout;
  assert.doesNotMatch(await found(), /write-ahead log/);
  using reader = new DatabaseSync(`${data}/chatd.sqlite`, { readOnly: true });
  reader.prepare("SELECT count(*) FROM user").get();
  Deno.truncateSync(`${data}/chatd.sqlite-wal`, 300 * 1024 * 1024);
  assert.match(
    await found(),
    /warning +database: the write-ahead log has 300 MiB: a reader prevents .*\n +Stop the backup/,
  );
});

Deno.test("doctor continues if it cannot open the data folder", async () => {
  using folder = temporaryFolder();
  const file = `${folder.path}/file`;
  Deno.writeTextFileSync(file, "");
  for (const data of [file, `${file}/data`]) {
    const { code, stdout, stderr } = await doctor("--data", data, "--max-disk", "16MiB", ...nowhere);
    assert.equal(code, 1, stdout + stderr);
    assert.match(stdout, /PROBLEM +data folder: ".*" is not a folder of the current user\n/);
    assert.match(stdout, /^1 problem to fix\.$/m);
  }
});

Deno.test("doctor finds a damaged database without changing it", async () => {
  using folder = temporaryFolder();
  const data = await makeData(folder.path);
  const path = `${data}/chatd.sqlite`;
  const whole = Deno.readFileSync(path);
  // Wipes pages that opening the database does not read.
  Deno.writeFileSync(path, whole.fill(0, 5 * 4096));
  const { code, stdout } = await doctor("--data", data, "--check-database", ...nowhere);
  assert.equal(code, 1);
  assert.match(stdout, /PROBLEM +database: .*damaged.*\n +Stop the server, and restore a backup/);
  assert.deepEqual(Deno.readFileSync(path), whole);
  Deno.writeTextFileSync(path, "no database at all, but long enough to look at it".repeat(20));
  assert.match((await doctor("--data", data, ...nowhere)).stdout, /PROBLEM +database: .* is damaged or not a database/);
});

Deno.test("doctor checks the certificate's validity, names, and use by the server", async () => {
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
  assert.match(good.stdout, /ok +certificate: the certificate is for localhost/);
  assert.match(good.stdout, /ok +server: a server at \S+ reports over gRPC that it serves/);

  const bad = await doctor(...at, ...expired);
  assert.equal(bad.code, 1);
  assert.match(bad.stdout, /PROBLEM +certificate: The certificate in ".*expired\.pem" expired at /);
  assert.match(
    bad.stdout,
    /PROBLEM +certificate: the server uses another certificate than the one in ".*expired\.pem"/,
  );

  const plain = await doctor(...at);
  assert.match(plain.stdout, /PROBLEM +server: no server answers over gRPC at /);
  const open = await doctor("--data", data, "--listen", `chat.example.org:${nobody}`, ...own);
  assert.match(open.stdout, /PROBLEM +certificate: the certificate is for localhost.*, but not for chat\.example\.org/);
  const bare = await doctor("--data", `${folder.path}/other`, "--listen", `0.0.0.0:${nobody}`);
  assert.match(
    bare.stdout,
    /PROBLEM +certificate: 0\.0\.0\.0:\d+ is reachable from other machines, and there is no certificate/,
  );
  Deno.chmodSync(`${folder.path}/own.key`, 0o644);
  assert.match(
    (await doctor(...at, ...own)).stdout,
    /warning +certificate: every user of this machine can read the private key/,
  );
});

Deno.test("doctor checks the limits of the disk and of open files", async () => {
  using folder = temporaryFolder();
  const data = await makeData(folder.path);
  Deno.writeFileSync(`${data}/large`, new Uint8Array(16 * 1024 * 1024));
  const full = await doctor("--data", data, "--max-disk", "16MiB", ...nowhere);
  assert.equal(full.code, 1);
  assert.match(full.stdout, /PROBLEM +disk: 1\d MiB of 16 MiB \(--max-disk\) are used/);
  assert.match(
    (await doctor("--data", data, "--max-disk", "900TiB", ...nowhere)).stdout,
    /the disk will be full first/,
  );

  const main = new URL("../../main.ts", import.meta.url).pathname;
  const line = `ulimit -n 500 && exec "$0" run -A "$@"`;
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", line, Deno.execPath(), main, "doctor", "--data", data, ...nowhere],
  }).output();
  assert.match(new TextDecoder().decode(stdout), /warning +files: a process may open 500 files.*\n.*ulimit -n/);
});

Deno.test("doctor warns of a cluster, and reports a partitioned one as a problem", () => {
  const kinds = (nodes: Parameters<typeof checkNodes>[0]) => [...checkNodes(nodes)].map(({ kind }) => kind);
  assert.deepEqual(kinds([{ name: "rabbit@a", running: true, partitions: [] }]), ["ok"]);
  const [a, b] = [{ name: "rabbit@a", running: true }, { name: "rabbit@b", running: false }];
  assert.deepEqual(kinds([a, b]), ["warning"]);
  assert.match([...checkNodes([a, b])][0].what, /cluster of 2 nodes: rabbit@a; rabbit@b \(down\)/);
  assert.deepEqual(kinds([{ ...a, partitions: ["rabbit@b"] }, b]), ["problem", "warning"]);
});
