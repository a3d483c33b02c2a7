/** Many streams and connections at once, by the clients of nghttp2. */
import assert from "node:assert/strict";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { SendRequest } from "../../../src/gen/chatd/v1/chat.ts";
import { grpcMessage } from "../../crash/http2_frames.ts";
import { debianPackages, requireDebianPackages } from "../../support/processes/debian_package.ts";
import { LinkClient } from "../../support/servers/link_client.ts";
import { scriptPassword } from "../../support/processes/script_user.ts";
import { historyRequest, sendRequest } from "../../support/servers/wire_values.ts";
import { type Route, startSite, transportTo } from "./routes.ts";

requireDebianPackages(["nghttp2-client"], "clients of these tests are in it");
const h2load = debianPackages["nghttp2-client"];
const nghttp = h2load.replace("h2load", "nghttp");
// A client that closes waits for the end of TLS at the other side, which may come in the next test.
Deno.test.sanitizer({ ops: false, resources: false });

const site = await startSite();
Deno.test.afterAll(async () => await site[Symbol.asyncDispose]());

/** Registers a user. @returns their token, and the headers of their calls, as both programs take them */
async function register(route: Route, user: string): Promise<{ token: string; headers: string[] }> {
  const request = { user, password: scriptPassword, invite: "", deviceName: "" };
  const { token } = (await transportTo(route).register(request, {})).credentials!;
  const headers = ["content-type: application/grpc", "te: trailers", `authorization: Bearer ${token}`];
  return { token, headers: headers.flatMap((header) => ["-H", header]) };
}

/** Calls a method with a message. @returns the output of the program */
async function call(
  program: string,
  { route, method, message, args }: { route: Route; method: string; message: Uint8Array; args: readonly string[] },
): Promise<string> {
  const body = Deno.makeTempFileSync({ dir: site.folder });
  Deno.writeFileSync(body, grpcMessage(message));
  const url = `${
    route.caFile === undefined ? "http" : "https"
  }://localhost:${route.port}/chatd.v1.ChatService/${method}`;
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args, "-d", body, url],
    stdin: "null",
  })
    .output();
  const output = new TextDecoder("latin1").decode(stdout);
  assert.ok(success, output + new TextDecoder().decode(stderr));
  return output;
}

const nothing = new Uint8Array();

/** Options of nghttp, each for one request unless it says otherwise. */
const ways: readonly (readonly string[])[] = [
  ["-m", "100"],
  ["-m", "50", "-w", "14", "-W", "14"],
  ["-m", "50", "-w", "30", "-W", "30"],
  ["-m", "20", "--no-dep"],
  ["-m", "20", "-p", "1"],
  ["-m", "20", "--header-table-size=0"],
  ["-m", "20", "--header-table-size=65536"],
  ["-m", "20", "--encoder-header-table-size=0"],
  ["-m", "5", "--expect-continue"],
];

/** Those that nginx or HAProxy do not take of their clients. */
const directWays: readonly (readonly string[])[] = [
  ["-m", "20", "--padding=200"],
  ["-m", "20", "--trailer=x-checksum: 1"],
];

site.routes.forEach((route, index) => {
  Deno.test(`nghttp has each of many calls at once answered ${route.name}`, async () => {
    const { headers } = await register(route, `ana${index}`);
    for (const way of [...ways, ...(route.name.startsWith("directly") ? directWays : [])]) {
      const args = ["-v", ...way, ...headers];
      const output = await call(nghttp, { route, method: "WhoAmI", message: nothing, args });
      const count = Number(way[1]);
      assert.equal(output.match(/grpc-status: 0$/gm)?.length, count, `${way}:\n${output}`);
    }
  });

  Deno.test(`nghttp uploads one message many times at once, which is taken once, ${route.name}`, async () => {
    const user = `ben${index}`;
    const { token, headers } = await register(route, user);
    const text = "x".repeat(16_384);
    const message = SendRequest.encode(sendRequest({ to: user, id: createMessageId(), text })).finish();
    const output = await call(nghttp, { route, method: "Send", message, args: ["-v", "-m", "100", ...headers] });
    assert.equal(output.match(/grpc-status: 0$/gm)?.length, 100, output);
    const client = await LinkClient.open(transportTo(route), token);
    const { messages } = await client.ask("history", historyRequest({ with: user }));
    await client.close();
    assert.deepEqual(messages.map((each) => each.text), [text]);
  });

  // nginx needs a connection to the server for each call, of which the server takes 128 over which nobody has logged in
  // yet, and closes those of its clients after 1,000 calls.
  for (const [connections, streams] of [[5, 10], [50, 1]]) {
    Deno.test(`h2load has all calls over ${connections} connections answered ${route.name}`, async () => {
      const { headers } = await register(route, `cleo${index}-${connections}`);
      const args = ["-n", "4000", "-c", String(connections), "-m", String(streams), ...headers];
      const output = await call(h2load, { route, method: "WhoAmI", message: nothing, args });
      assert.match(
        output,
        /^requests: 4000 total, 4000 started, 4000 done, 4000 succeeded, 0 failed, 0 errored, 0 timeout$/m,
      );
      assert.match(output, /^status codes: 4000 2xx,/m);
      const [, bytes] = /^traffic: .*\((\d+)\) data$/m.exec(output) ?? [];
      assert.ok(Number(bytes) > 0 && Number(bytes) % 4000 === 0, `each call has the same answer:\n${output}`);
    });
  }
});
