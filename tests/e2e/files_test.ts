import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { eventually } from "../support/waiting/eventually.ts";
import { randomBytes } from "../support/checks/files.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { hasTmux, Tmux } from "../support/processes/tmux.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Registers `user` on a terminal of their own, with these permissions. */
async function join(options: {
  port: number;
  user: string;
  folder: string;
  permissions: string;
}): Promise<Tmux> {
  const { port, user, folder, permissions } = options;
  const terminal = await Tmux.start({ folder, columns: 120, rows: 30 });
  const run = `"${Deno.execPath()}" run --quiet --no-check --no-prompt --cached-only ${permissions} "${root}main.ts"`;
  const state = `XDG_STATE_HOME="${folder}/${user}"`;
  await terminal.type(
    `cd "${folder}"; ${state} ${run} grpc-client --server 127.0.0.1:${port} --user ${user} --plain`,
    "Enter",
  );
  await terminal.sees(/Log in or register\? \[l\/r\]/);
  await terminal.type("r", "Enter");
  await terminal.sees(/New password/);
  await terminal.type("correct horse", "Enter");
  await terminal.sees(/Repeat the password/);
  await terminal.type("correct horse", "Enter");
  await terminal.sees(/Connected to/);
  return terminal;
}

Deno.test("a file goes from one terminal to the other, and nothing is overwritten", { ignore: !hasTmux }, async () => {
  using folder = temporaryFolder();
  const { path } = folder;
  const content = randomBytes(300_000);
  Deno.mkdirSync(`${path}/of ana`);
  Deno.writeFileSync(`${path}/of ana/report.pdf`, content);
  await using server = await ServerProcess.start({ folder: `${path}/data` });
  await using ana = await join({ port: server.port, user: "ana", folder: path, permissions: "-A" });
  const state = `--allow-read="${path}/ben" --allow-write="${path}/ben","${path}/saved"`;
  const permissions = `--allow-net --allow-env --allow-sys ${state}`;
  await using ben = await join({ port: server.port, user: "ben", folder: path, permissions });
  await ana.type("/to ben", "Enter");
  await ana.sees(/\[ana → ben\]/);
  await ana.type('/file "of ana/report.pdf" look at this', "Enter");
  await ana.sees(/1 ana: look at this\n {6}\[file report\.pdf, 293\.0 KiB, \/save 1\]/);
  await ben.sees(/\[ana\] ana: look at this\n {6}\[file report\.pdf, 293\.0 KiB\]/);
  await ben.type("/to ana", "Enter");
  await ben.sees(/\/save 1\]/);
  await ben.type("/save 1 saved", "Enter");
  await ben.sees(/Saved as "saved"\./);
  assert.deepEqual(Deno.readFileSync(`${path}/saved`), content);
  await ben.type("/save 1", "Enter");
  await ben.sees(
    /Saving report\.pdf failed: Deno does not permit chatd to use "report\.pdf"\. Add --allow-write="\."/,
  );
  await ana.type("/save 1 'of ana'", "Enter");
  await ana.sees(/"of ana\/report\.pdf" already exists/);
  await ana.type("/save 2", "Enter");
  await ana.sees(/Message 2 of this conversation has no file/);
  await ana.type("/file nowhere.txt", "Enter");
  await ana.sees(/Sending nowhere\.txt failed: "nowhere\.txt" does not exist/);
  await ana.type("/delete 1", "Enter");
  await ben.sees(/ana deleted message 1|deleted/);
  const contents = () =>
    [...Deno.readDirSync(`${path}/data/files`)].map(({ name }) => name).filter((n) => n.length === 2)
      .flatMap((name) => [...Deno.readDirSync(`${path}/data/files/${name}`)]);
  await eventually(() => contents().length === 0, () => "the content is still there");
});
