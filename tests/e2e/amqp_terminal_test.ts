// A client over RabbitMQ in a real terminal.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { startTestBroker } from "../support/brokers/amqp_server.ts";
import { Child } from "../support/processes/child_process.ts";
import { runChatd } from "../support/processes/chatd_process.ts";
import { lineTo } from "../support/proxies/slow_line.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { hasTmux, Tmux } from "../support/processes/tmux.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const ignore = !hasTmux;

Deno.test("a terminal over RabbitMQ asks for an invitation, and keeps its draft while the broker is away", {
  ignore,
}, async () => {
  await using broker = await startTestBroker();
  const { node } = broker;
  using folder = temporaryFolder();
  const data = `${folder.path}/data`;
  const secretFile = `${folder.path}/secret`;
  Deno.writeTextFileSync(secretFile, broker.secret);
  await using server = new Child({
    args: [
      ...["amqp-server", "--data", data, "--registration", "invite", "--amqp-registration", "--no-supervise"],
      ...["--broker-auth-listen", `127.0.0.1:${broker.authPort}`, "--broker-auth-secret-file", secretFile],
    ],
    env: { CHATD_BROKER: node.amqpUrl() },
  });
  await server.line(/serves at/);
  const invited = await runChatd({ args: ["user", "invite", "--data", data] });
  assert.equal(invited.code, 0, invited.stderr);
  const [code] = /^\S{8,}$/m.exec(invited.stdout) ?? [];
  assert.ok(code, invited.stdout);

  await using ana = await Tmux.start({ folder: folder.path, columns: 100, rows: 30 });
  const run = `"${Deno.execPath()}" run --quiet --no-check --cached-only -A "${root}main.ts"`;
  await using line = lineTo(node.amqpPort);
  const url = `amqp://127.0.0.1:${line.port}`;
  const command = `XDG_STATE_HOME="${folder.path}/ana" ${run} amqp-client --broker ${url} --user ana --to ana`;
  await ana.type(command, "Enter");
  await ana.sees(/Log in or register\? \[l\/r\]/);
  await ana.type("r", "Enter");
  await ana.sees(/New password/);
  await ana.type("correct horse", "Enter");
  await ana.sees(/Repeat the password/);
  await ana.type("correct horse", "Enter");
  await ana.sees(/requires an invitation to register[^]*Invitation code:/);
  await ana.type("no such code", "Enter");
  await ana.sees(/The invitation is not valid[^]*Invitation code:/);
  await ana.type(code, "Enter");
  await ana.sees(/Connected to/);
  await ana.type("before", "Enter");
  await ana.sees(/ana: before/);

  await ana.type("half a dra");
  await ana.sees(/half a dra$/);
  await node.crash();
  await ana.sees(/offline, next try in \d+ s/);
  await ana.sees(/half a dra$/);
  await node.restart();
  await ana.sees(/Connected again\.[^]*half a dra$/);
  await ana.type("ft", "Enter");
  await ana.sees(/ana: half a draft/);
  await ana.type("/quit", "Enter");
  await ana.sees(/\n\$ *$/);
});
