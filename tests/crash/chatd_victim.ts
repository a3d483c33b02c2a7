/** The real `chatd grpc-server` under attack: strangers and somebody who has logged in attack, a good client chats. */
import { Buffer } from "node:buffer";
import { fileURLToPath } from "node:url";
import { openChat } from "../../src/app/open_chat.ts";
import { ChatClient } from "../../src/client/chat_client.ts";
import { silentLog } from "../../src/core/log.ts";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import { type Callback, ClientFrame, type Request } from "../../src/gen/chatd/v1/session.ts";
import { createThrowawayCertificate } from "../../src/grpc/callback/throwaway_certificate.ts";
import { GrpcTransport } from "../../src/grpc/client/client_transport.ts";
import { sendMessage } from "../support/servers/send_message.ts";
import { historyRequest, sendRequest } from "../support/servers/wire_values.ts";
import type { KeyPair } from "./certificates.ts";
import type { RunningVictim, Victim } from "./victim.ts";

const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
const password = "correct horse battery";
/** What an attacker's stream makes the server write: a page of this many messages of 1 KiB, among other replies. */
const historyLength = 40;
const dialConsumers = 8;

type RequestKind = NonNullable<Request["kind"]>;

/** Each has a data folder of its own in which ana, ben and the attacker mallory are registered. Owned by the caller. */
export async function createChatdVictim(): Promise<Victim & AsyncDisposable> {
  const folder = await Deno.makeTempDir({ prefix: "chatd-crash-" });
  const data = `${folder}/data`;
  const tokens = await fill(data);
  const dialled = await createThrowawayCertificate();
  const write = (name: string, { certificate, key }: KeyPair) => {
    Deno.writeTextFileSync(`${folder}/${name}.pem`, certificate);
    Deno.writeTextFileSync(`${folder}/${name}.key`, key);
  };
  return {
    name: "chatd",
    command(transport, certificates) {
      write("server", certificates.server);
      Deno.writeTextFileSync(`${folder}/ca.pem`, certificates.authority);
      const tls = ["--tls-cert", `${folder}/server.pem`, "--tls-key", `${folder}/server.key`];
      const mutual = ["--tls-client-ca", `${folder}/ca.pem`];
      const limits = ["--rate", "1000000", "--burst", "1000000"];
      return {
        program: Deno.execPath(),
        args: [
          ...["run", "--no-check", "-A", main, "grpc-server", "--no-supervise", "--listen", "127.0.0.1:0"],
          ...["--data", data, "--log-level", "warn", ...limits],
          ...(transport === "plain" ? [] : transport === "tls" ? tls : [...tls, ...mutual]),
        ],
      };
    },
    portFrom(line) {
      const [, port] = /listens on \S*:(\d+)/.exec(line) ?? [];
      return port === undefined ? undefined : Number(port);
    },
    unaryPath: "/chatd.v1.ChatService/WhoAmI",
    streamPath: "/chatd.v1.ChatService/Connect",
    streamOpening: [
      [hello(tokens.mallory, "attack")],
      [
        { $case: "history", value: historyRequest({ with: "ben", limit: 200 }) } as const,
        { $case: "send", value: sendRequest({ to: "ben", id: createMessageId(), text: "boo" }) } as const,
        { $case: "listUsers", value: { after: "", limit: 0 } } as const,
      ],
    ].map((kinds, frame) => ClientFrame.encode(toFrame(kinds, frame * 10)).finish()),
    probe: (running, deadline) => chatWithBen(transportTo(running), { ben: tokens.ben, deadline }),
    dialledIdentity: { certificate: dialled.pem, key: dialled.keyPem },
    async makeDial(running, port, deadline) {
      const callback = { port, certificate: dialled.der, secret: new Uint8Array(32).fill(7) };
      const signal = AbortSignal.timeout(deadline.getTime() - Date.now());
      const link = await transportTo(running).connect({ signal });
      link.send(toFrame([hello(tokens.mallory, `dial-${port % dialConsumers}`, callback)], 0));
      try {
        for await (const { items } of link.frames) {
          if (items.some(({ kind }) => kind?.$case === "deliveryChanged")) return;
        }
      } finally {
        await link.close();
      }
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

async function fill(folder: string): Promise<{ mallory: string; ben: string }> {
  const rate = { perSecond: 1_000_000, burst: 1_000_000 };
  const { chat, close } = openChat({ folder, registration: "open", rate, log: silentLog });
  const register = (user: string) =>
    chat.accounts.register({ user, password, invite: "", deviceName: "", address: "127.0.0.1" });
  const mallory = await register("mallory");
  const ben = await register("ben");
  await register("ana");
  const text = "x".repeat(1024);
  const drafts = Array.from({ length: historyLength }, () => ({ to: "ben", id: createMessageId(), text }));
  await Promise.all(drafts.map((draft) => sendMessage(chat, "mallory", draft)));
  await close();
  return { mallory: mallory.token, ben: ben.token };
}

function hello(token: string, consumer: string, callback?: Callback): RequestKind {
  const value = { protocolVersion: 1, token, consumer, resumeAfter: 0, epoch: "", callback, client: "crash suite" };
  return { $case: "hello", value };
}

function toFrame(kinds: readonly RequestKind[], firstId: number): ClientFrame {
  return { requests: kinds.map((kind, index) => ({ id: firstId + index + 1, kind })) };
}

function transportTo({ target }: RunningVictim): GrpcTransport {
  const { port, transport, certificates } = target;
  if (transport === "plain") return new GrpcTransport({ host: "127.0.0.1", port, callback: false });
  const { authority, client } = certificates;
  const certificate = { chain: Buffer.from(client.certificate), key: Buffer.from(client.key) };
  const tls = {
    roots: Buffer.from(authority),
    serverName: "localhost",
    ...(transport === "mtls" && { certificate }),
  };
  return new GrpcTransport({ host: "127.0.0.1", port, tls, callback: false });
}

/** Ana logs in with her password and writes to ben, who is online and reads it. */
async function chatWithBen(transport: GrpcTransport, { ben, deadline }: { ben: string; deadline: Date }) {
  const signal = AbortSignal.timeout(Math.max(0, deadline.getTime() - Date.now()));
  const login = { user: "ana", password, deviceName: "good client", deviceId: "" };
  const { credentials } = await transport.logIn(login, { signal });
  const text = crypto.randomUUID();
  const read = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => read.reject(new Error("the good client's message did not come in time")));
  const stopped = new AbortController();
  const reader = new ChatClient({
    transport,
    token: ben,
    client: "good client",
    onEvent(event) {
      if (event.kind === "message" && event.message.text === text) read.resolve();
      // A new consumer starts at the head, so that ana must not write before ben is there.
      if (event.kind === "state" && event.state.kind === "online") {
        void writer.send("ben", text).catch((error) => read.reject(error));
      }
      if (event.kind === "state" && event.state.kind === "ended" && event.state.error) read.reject(event.state.error);
    },
  });
  const writer = new ChatClient({ transport, token: credentials!.token, client: "good client", onEvent() {} });
  const running = Promise.all([reader, writer].map((client) => client.run({ signal: stopped.signal })));
  try {
    await read.promise;
  } finally {
    stopped.abort();
    await running;
  }
}
