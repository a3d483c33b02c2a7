import assert from "node:assert/strict";
import { RegisterRequest, RegisterResponse } from "../../../src/gen/chatd/v1/auth.ts";
import { grpcMessage } from "../../crash/http2_frames.ts";
import { debianPackages, requireDebianPackages } from "../../support/processes/debian_package.ts";
import { type Route, startSite } from "./routes.ts";

requireDebianPackages(["curl"], "a client of these tests is made of it");
const site = await startSite();
Deno.test.afterAll(async () => await site[Symbol.asyncDispose]());

/** Posts a body. @returns the header lines and trailers in their order, and the messages of the answer as one. */
async function post({ port, caFile }: Route, path: string, body: Uint8Array, ...more: string[]) {
  const at = (name: string) => `${site.folder}/curl.${name}`;
  Deno.writeFileSync(at("request"), body);
  Deno.writeFileSync(at("response"), new Uint8Array());
  const { code, stdout, stderr } = await new Deno.Command(debianPackages.curl, {
    args: [
      ...["--silent", "--show-error", "--http2-prior-knowledge", "--max-time", "60"],
      ...(caFile === undefined ? [] : ["--cacert", caFile]),
      ...["--header", "content-type: application/grpc", "--header", "te: trailers", ...more],
      ...["--data-binary", `@${at("request")}`, "--dump-header", "-", "--output", at("response")],
      `${caFile === undefined ? "http" : "https"}://localhost:${port}${path}`,
    ],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assert.equal(code, 0, decoder.decode(stderr));
  const lines = decoder.decode(stdout).split("\r\n").map((line) => line.trimEnd());
  return { lines, message: Deno.readFileSync(at("response")).subarray(5) };
}

site.routes.forEach((route, index) => {
  Deno.test(`curl sees messages, trailers and refusals ${route.name}`, async () => {
    const health = await post(route, "/grpc.health.v1.Health/Check", grpcMessage(new Uint8Array()));
    assert.equal(health.lines[0], "HTTP/2 200");
    assert.ok(health.lines.includes("content-type: application/grpc"), health.lines.join("\n"));
    assert.ok(health.lines.indexOf("grpc-status: 0") > health.lines.indexOf(""), "the status is in trailers");
    assert.deepEqual([...health.message], [8, 1]);

    const account = { user: `ana${index}`, password: "correct horse battery", invite: "", deviceName: "" };
    const body = grpcMessage(RegisterRequest.encode(account).finish());
    const registered = await post(route, "/chatd.v1.AuthService/Register", body);
    assert.ok(registered.lines.includes("grpc-status: 0"), registered.lines.join("\n"));
    assert.equal(RegisterResponse.decode(registered.message).credentials?.user, account.user);
    const again = await post(route, "/chatd.v1.AuthService/Register", body);
    assert.ok(again.lines.includes("grpc-status: 6"), again.lines.join("\n"));
    assert.ok(again.lines.includes("chatd-error-code: already_exists"), again.lines.join("\n"));

    // Without a body: curl fails when an answer overtakes it.
    const unknown = await post(route, "/chatd.v1.ChatService/Nothing", new Uint8Array());
    assert.ok(unknown.lines.includes("grpc-status: 12"), unknown.lines.join("\n"));
    const webPage = await post(route, "/", new Uint8Array(), "--header", "content-type: text/plain");
    assert.equal(webPage.lines[0], "HTTP/2 415");
  });
});
