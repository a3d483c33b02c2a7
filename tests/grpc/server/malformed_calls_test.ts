/** Requests that are no good are refused for what is wrong with them, and never as an internal error. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { encodeHeaders } from "../../../src/grpc/http2/header_encoder.ts";
import type { HeaderList } from "../../../src/grpc/http2/header_rules.ts";
import { frameMessage } from "../../../src/grpc/http2/messages.ts";
import { connectOver } from "../../../src/grpc/http2/socket_transport.ts";
import { strangersLimits } from "../../../src/grpc/server/strangers_budget.ts";
import { grpcMessage } from "../../crash/http2_frames.ts";
import {
  AuthServiceService,
  ChatServiceService,
  FileServiceService,
  HealthService,
  ServerReflectionService,
} from "../../support/servers/grpc_js_services.ts";
import { startTestGrpcServer, type TestGrpcServer } from "../../support/servers/grpc_server.ts";
import { limits } from "../http2/wire.ts";

/** More than the calls of a test cost. */
const strangers = { ...strangersLimits, perAddress: { burst: 100_000, perSecond: 1_000, debt: 0 } };

type Fields = readonly (readonly [name: string, value: string])[];

interface Request {
  /** Beside those of a call of gRPC, or instead of them. */
  readonly fields?: Fields;
  readonly method?: string;
  readonly contentType?: string;
  /** Octets of DATA. */
  readonly body?: readonly Uint8Array[];
}

/** Fields of the answer and its trailers; only `reset` when the stream was reset. */
type Answer = Record<string, string>;

/** Makes a request over a connection of its own. */
async function request({ server }: TestGrpcServer, path: string, asked: Request): Promise<Answer> {
  const socket = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const connection = connectOver(socket, {
    role: "client",
    limits,
    onFault: (error) => assert.fail(String(error)),
  });
  const { method = "POST", contentType = "application/grpc", fields = [], body = [] } = asked;
  const answer: Answer = {};
  const take = (list: HeaderList | undefined) => {
    for (const [name, value] of list?.pseudo ?? []) answer[name] = value;
    for (const { name, value } of list?.fields ?? []) answer[name] = value;
  };
  const block = encodeHeaders([
    [":method", method],
    [":scheme", "http"],
    [":path", path],
    ["content-type", contentType],
    ["te", "trailers"],
    ...fields,
  ]);
  await new Promise<void>((resolve) => {
    const stream = connection.request(block, {
      onResponse: take,
      onData: (bytes) => stream.release(bytes.length),
      onEnd: take,
      onClose: (code) => {
        if (code !== undefined && answer["grpc-status"] === undefined) answer.reset = String(code);
        resolve();
      },
    });
    for (const octets of body) stream.write(octets);
    stream.end();
  });
  socket.destroy();
  await closed;
  return answer;
}

async function logIn({ chat }: TestGrpcServer): Promise<Fields> {
  const password = "correct horse battery";
  await chat.accounts.addUser({ name: "ana", password });
  const device = { user: "ana", password, deviceName: "", deviceId: "", address: "127.0.0.1" };
  return [["authorization", `Bearer ${(await chat.accounts.logIn(device)).token}`]];
}

const services = {
  ChatServiceService,
  AuthServiceService,
  FileServiceService,
  HealthService,
  ServerReflectionService,
};
const paths = Object.values(services).flatMap((service) => Object.values(service).map(({ path }) => path));
const takesManyMessages = new Set<string>(
  [ChatServiceService.connect.path, ServerReflectionService.serverReflectionInfo.path],
);

const garbage: Record<string, Uint8Array> = {
  "a number that does not end": new Uint8Array(11).fill(0xff),
  "a field that is not whole": Uint8Array.of(0x0a, 0x7f, 0x41),
  "an end of a group that did not begin": Uint8Array.of(0x0c, 0x41),
  "field number 0": Uint8Array.of(0x00, 0x01),
  "a thousand groups": new Uint8Array(10_000).fill(0x0b),
};

const invalidArgument = "3";
const unauthenticated = "16";

Deno.test("bytes that are no message are refused as such by each method, for users", async () => {
  await using test = await startTestGrpcServer({ strangers });
  const fields = await logIn(test);
  for (const path of paths) {
    for (const [name, bytes] of Object.entries(garbage)) {
      const { "grpc-status": status } = await request(test, path, { fields, body: [grpcMessage(bytes)] });
      assert.equal(status, invalidArgument, `${path}, ${name}`);
    }
  }
});

Deno.test("each method needs a message, and a whole one", async () => {
  await using test = await startTestGrpcServer({ strangers });
  const fields = await logIn(test);
  for (const path of paths) {
    const none = await request(test, path, { fields });
    assert.equal(none["grpc-status"], takesManyMessages.has(path) ? "0" : invalidArgument, path);
    for (const octets of [Uint8Array.of(0, 0, 0), grpcMessage(new Uint8Array(3), { declaredLength: 9 })]) {
      assert.equal((await request(test, path, { fields, body: [octets] }))["grpc-status"], invalidArgument, path);
    }
  }
});

Deno.test("methods that take one message refuse two", async () => {
  await using test = await startTestGrpcServer({ strangers });
  const fields = await logIn(test);
  const body = [grpcMessage(new Uint8Array()), grpcMessage(new Uint8Array())];
  for (const path of paths.filter((path) => !takesManyMessages.has(path))) {
    assert.equal((await request(test, path, { fields, body }))["grpc-status"], invalidArgument, path);
  }
});

const { path: whoAmI } = ChatServiceService.whoAmI;
const empty = [frameMessage(new Uint8Array())];

const refusals: [name: string, path: string, asked: Request, expected: Answer][] = [
  ["a content type of the web", whoAmI, { contentType: "application/json" }, { ":status": "415" }],
  ["gRPC for the web", whoAmI, { contentType: "application/grpc-web" }, { ":status": "415" }],
  ["GET", whoAmI, { method: "GET" }, { ":status": "405", allow: "POST" }],
  ["an unknown method", "/chatd.v1.ChatService/Nothing", {}, { ":status": "200", "grpc-status": "12" }],
  ["an unknown service", "/no.such.Service/Nothing", {}, { ":status": "200", "grpc-status": "12" }],
  ["compression", whoAmI, { fields: [["grpc-encoding", "gzip"]] }, {
    "grpc-status": "12",
    "grpc-accept-encoding": "identity",
  }],
  ["a compressed message", whoAmI, { body: [grpcMessage(new Uint8Array(5), { compressed: 1 })] }, {
    "grpc-status": "12",
  }],
  ["a message with an unknown flag", whoAmI, { body: [grpcMessage(new Uint8Array(5), { compressed: 2 })] }, {
    "grpc-status": invalidArgument,
  }],
  ["a message that is too long", whoAmI, { body: [grpcMessage(new Uint8Array(1), { declaredLength: 70_000 })] }, {
    "grpc-status": "8",
  }],
  ...["", "1", "S", "-1S", "1.5S", "123456789S", "1s", "1S,1S"].map(
    (timeout) =>
      [
        `the timeout "${timeout}"`,
        whoAmI,
        { fields: [["grpc-timeout", timeout]] },
        { "grpc-status": invalidArgument },
      ] as [
        string,
        string,
        Request,
        Answer,
      ],
  ),
  ["a value with a control character", whoAmI, { fields: [["x", "a\u0001b"]] }, { reset: "1" }],
  ["a name in capitals", whoAmI, { fields: [["X", "a"]] }, { reset: "1" }],
  ["a field of HTTP/1.1", whoAmI, { fields: [["connection", "close"]] }, { reset: "1" }],
];

Deno.test("requests that are no calls are refused for what is wrong with them", async () => {
  await using test = await startTestGrpcServer({ strangers });
  const fields = await logIn(test);
  for (const [name, path, asked, expected] of refusals) {
    const answer = await request(test, path, { body: empty, ...asked, fields: [...fields, ...asked.fields ?? []] });
    for (const [field, value] of Object.entries(expected)) assert.equal(answer[field], value, `${name}: ${field}`);
  }
});

Deno.test("metadata that is of no use to the method is passed over", async () => {
  await using test = await startTestGrpcServer({ strangers });
  const fields = await logIn(test);
  const odd: Fields = [
    ["x-bin", "%%% not base64"],
    ["x-bin", "AA=="],
    ["x", "%zz%"],
    ["grpc-message", "%zz"],
    ["grpc-accept-encoding", "gzip,\u00ff"],
    ["grpc-status", "0"],
  ];
  for (const each of odd) {
    const answer = await request(test, whoAmI, { fields: [...fields, each], body: empty });
    assert.equal(answer["grpc-status"], "0", each.join(": "));
  }
});

Deno.test("a call must show one token in the form of a bearer's", async () => {
  await using test = await startTestGrpcServer({ strangers });
  const [[name, good]] = await logIn(test);
  const token = good.slice("Bearer ".length);
  const values = [[], [good, good], [good, "Bearer x"], ["Bearer"], ["Bearer  "], [token], [`Basic ${token}`], [
    "Bearer \u00e9",
  ], [`Bearer ${token}x`]];
  for (const each of values) {
    const fields = each.map((value) => [name, value] as const);
    const answer = await request(test, whoAmI, { fields, body: empty });
    // The field may not end with a space (RFC 9113, section 8.2.1).
    if (each[0]?.endsWith(" ")) assert.deepEqual(answer, { reset: "1" });
    else assert.equal(answer["grpc-status"], unauthenticated, each.join(", "));
  }
  const accepted = await request(test, whoAmI, { fields: [[name, `bearer ${token}`]], body: empty });
  assert.equal(accepted["grpc-status"], "0");
});
