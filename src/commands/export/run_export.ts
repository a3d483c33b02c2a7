import type { BrokerUrl } from "../../app/broker/broker_url.ts";
import type { ClientTls } from "../../app/client/client_options.ts";
import { ClientState } from "../../app/client/client_state.ts";
import { Login, type LoginOptions } from "../../app/client/saved_login.ts";
import { ChatClient, type ClientEvent } from "../../client/chat_client.ts";
import { exportData } from "../../client/data_export.ts";
import { identityOf, type Transport } from "../../client/transport.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { HelloResponse } from "../../gen/chatd/v1/session.ts";
import type { HostPorts } from "../../host/host_port.ts";
import { version } from "../../host/version.ts";
import { exitCode } from "../exit_code.ts";
import { ExportFolder } from "./export_folder.ts";

/** Options of `chatd export`. */
export interface ExportCommandOptions extends LoginOptions {
  /** The folder to create or to resume. */
  readonly out: string;
  readonly servers: HostPorts;
  /** Connects through this broker instead of to a server. */
  readonly broker?: BrokerUrl;
  readonly tls?: ClientTls;
  readonly insecure: boolean;
}

/** Exports a user's own data from a server. @returns the exit code. @throws {ChatError} if the export is incomplete */
export async function runExport(options: ExportCommandOptions): Promise<number> {
  const transport = await openTransport(options);
  const state = new ClientState({ server: identityOf(transport), user: options.user });
  const login = new Login(transport, options, state);
  using consumer = state.takeConsumer("export");
  for (;;) {
    const token = await login.token();
    try {
      await exportAll(options, { transport, consumer: consumer.name, token });
      return exitCode.done;
    } catch (error) {
      if (!await login.canRetry(error, token)) throw error;
    }
  }
}

async function openTransport({ broker, ...options }: ExportCommandOptions): Promise<Transport> {
  if (broker === undefined) {
    const { openGrpcTransport } = await import("../../app/client/grpc_transport.ts");
    return await openGrpcTransport({ ...options, delivery: "stream" });
  }
  const { openAmqpTransport } = await import("../../app/client/amqp_transport.ts");
  return await openAmqpTransport({ ...options, broker, caFile: options.tls?.caFile });
}

async function exportAll(
  { user, out }: ExportCommandOptions,
  { transport, consumer, token }: { transport: Transport; consumer: string; token: string },
): Promise<void> {
  const stop = new AbortController();
  const connected = Promise.withResolvers<HelloResponse>();
  const resume = ExportFolder.resumePoint(out);
  let target: ExportFolder | undefined;
  let restored = false;
  const onEvent = (event: ClientEvent) => {
    if (event.kind !== "state") return;
    if (event.state.kind === "online") {
      const { hello } = event.state;
      restored ||= event.state.restored;
      if (hello.incarnation !== "" && target !== undefined) {
        restored ||= target.newestPosition > hello.sharedThrough;
        if (!restored) target.continueIn(hello.incarnation);
      }
      connected.resolve(hello);
    } else if (event.state.kind === "offline") {
      connected.reject(event.state.reason);
    } else if (event.state.kind === "ended") {
      connected.reject(event.state.error);
    }
  };
  const source = new ChatClient({ transport, token, consumer, client: `chatd/${version}`, resume, onEvent });
  const running = source.run({ signal: stop.signal });
  try {
    const { epoch, incarnation } = await connected.promise;
    target = new ExportFolder(out, { user, server: identityOf(transport), epoch });
    if (restored) throw restoredError();
    target.continueIn(incarnation);
    const { conversations, entries, missingFiles } = await exportData({
      source,
      target,
      signal: stop.signal,
      onConversation: ({ address }, added) => console.error(`${address}: ${added} entries`),
      onMissingFile: ({ conversation, seq }, reason) => {
        console.error(`chatd: The file of ${conversation} ${seq} is missing: ${reason.message}`);
      },
    });
    if (restored) throw restoredError();
    target.complete({ conversations, missingFiles });
    console.log(`Exported ${user} to ${out}: ${conversations} conversations, ${entries} entries in this run.`);
  } finally {
    stop.abort();
    await running;
  }
}

function restoredError(): ChatError {
  return new ChatError(
    "unavailable",
    "The server was restored to an earlier state after this export began: start again with another folder.",
  );
}
