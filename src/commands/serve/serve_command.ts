import { group, merge, object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import type { AmqpOptions, ServeOptions } from "../../app/server_options.ts";
import { type CommandEntry, defineCommand } from "../command.ts";
import { serverExitCode } from "../exit_code.ts";
import { brokerServerOptions, optionalBrokerOption } from "../options/broker_options.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { serverTls, serverTlsOptions } from "../options/server_tls.ts";
import { UsageError } from "../options/usage_error.ts";
import { listenOptions } from "./grpc_server_command.ts";
import { serverAction } from "./server_action.ts";
import { limitOptions, serverOptions } from "./server_options.ts";

export const serveCommand: CommandEntry = defineCommand({
  name: "serve",
  brief: "Serve the chat over gRPC and, with --broker, over RabbitMQ",
  description:
    "Serves one chat over gRPC and, with --broker, over RabbitMQ: users of both talk to each other. The broker may be " +
    "unavailable, at the start and later. The data folder holds accounts and messages, and belongs to one server. SIGINT " +
    "or SIGTERM stops the server within seconds, a second one at once; SIGHUP reloads it.",
  options: serveOptions,
  load: async () => serverAction((await import("../../app/serve.ts")).runServe),
  exitCodeOf: serverExitCode,
  serves: true,
  readsConfig: true,
});

function serveOptions(options: OptionsWithEnv): Parser<"sync", ServeOptions, unknown> {
  const shared = object({
    ...serverOptions(options),
    insecure: options.flagOfSections(
      "--insecure",
      [options.section("grpc"), options.section("amqp")],
      "Allow connections beyond this machine without TLS, for clients and to the broker",
      ([grpc, amqp]) => ({ grpc, amqp }),
    ),
  });
  const grpc = object({ ...listenOptions(options), ...serverTlsOptions(options) });
  const amqp = object({
    broker: optionalBrokerOption(options.section("amqp")),
    ...brokerServerOptions(options),
  });
  const all = merge(
    group("Options", map(shared, (shared) => ({ shared }))),
    group("gRPC", map(grpc, (grpc) => ({ grpc }))),
    group("RabbitMQ, with --broker", map(amqp, (amqp) => ({ amqp }))),
    group("Limits", map(limitOptions(options), (limits) => ({ limits }))),
  );
  return map(all, ({ shared: { insecure, ...shared }, grpc, amqp, limits }) => {
    const { certFile, keyFile, clientCaFile, ...rest } = grpc;
    const tls = serverTls({ certFile, keyFile, clientCaFile });
    return {
      ...shared,
      ...limits,
      grpc: { ...rest, tls, insecure: insecure.grpc },
      amqp: withBroker({ ...amqp, insecure: insecure.amqp }),
    };
  });
}

function withBroker(
  { broker, ...options }: Omit<AmqpOptions, "broker"> & Partial<Pick<AmqpOptions, "broker">>,
): AmqpOptions | undefined {
  if (broker !== undefined) return { broker, ...options };
  const { brokerPasswordFile, caFile, authSecretFile, management, amqpRegistration, sharedLogin } = options;
  const flags = { amqpRegistration: amqpRegistration || undefined, sharedLogin: sharedLogin || undefined };
  const given = { brokerPasswordFile, caFile, authSecretFile, management, ...flags };
  const [useless] = Object.entries(given).filter(([, value]) => value !== undefined).map(([key]) => key);
  if (useless === undefined) return undefined;
  throw new UsageError(`${names[useless as keyof typeof given]} needs --broker.`);
}

const names = {
  brokerPasswordFile: "--broker-password-file",
  caFile: "--ca",
  authSecretFile: "--broker-auth-secret-file",
  management: "--broker-management",
  amqpRegistration: "--amqp-registration",
  sharedLogin: "--shared-login",
};
