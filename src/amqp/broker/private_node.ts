import { brokerConfig, enabledPlugins } from "./broker_config.ts";

const systemPath = "/usr/sbin:/usr/bin:/sbin:/bin";

/** The resources of a private RabbitMQ node, which no other program uses. */
export interface PrivateNode {
  /** An empty folder for the node's configuration, data and log. */
  readonly folder: string;
  readonly amqpPort: number;
  readonly managementPort: number;
  readonly distributionPort: number;
  readonly epmdPort: number;
}

export interface PrivateNodeOptions {
  /**
   * The URL of chatd's authorization port with the secret, "http://127.0.0.1:PORT/SECRET"; the broker uses no HTTP
   * backend unless given.
   */
  readonly authUrl?: string;
  /** Further lines of rabbitmq.conf. */
  readonly config?: readonly string[];
}

/** Writes the configuration that chatd requires, with an internal user, into the node's folder. */
export async function configurePrivateNode(
  { folder, amqpPort, managementPort }: PrivateNode,
  { user, password, authUrl, config = [] }: PrivateNodeOptions & { user: string; password: string },
): Promise<void> {
  for (const name of ["home", "conf", "log", "mnesia"]) await Deno.mkdir(`${folder}/${name}`);
  const own = [
    `listeners.tcp.default = 127.0.0.1:${amqpPort}`,
    "management.tcp.ip = 127.0.0.1",
    `management.tcp.port = ${managementPort}`,
    ...config,
    "",
  ];
  const conf = brokerConfig({ user, password, authUrl });
  await Deno.writeTextFile(`${folder}/conf/rabbitmq.conf`, conf + own.join("\n"));
  await Deno.writeTextFile(`${folder}/conf/enabled_plugins`, enabledPlugins());
}

/**
 * Returns the environment of the node and of the tools that administer it
 * (https://www.rabbitmq.com/docs/configure#supported-environment-variables).
 * @param toolFolder the folder of rabbitmq-server
 */
export function privateNodeEnvironment(
  { folder, distributionPort, epmdPort }: PrivateNode,
  toolFolder: string,
): Record<string, string> {
  return {
    PATH: `${toolFolder}:${Deno.env.get("PATH") ?? ""}:${systemPath}`,
    LANG: "C.UTF-8",
    ERL_CRASH_DUMP_SECONDS: "0",
    HOME: `${folder}/home`,
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    // The script then executes the node instead of waiting for it and its pid file.
    RUNNING_UNDER_SYSTEMD: "1",
    RABBITMQ_CONF_ENV_FILE: "/dev/null",
    RABBITMQ_NODENAME: "node@localhost",
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_MNESIA_BASE: `${folder}/mnesia`,
    RABBITMQ_LOG_BASE: `${folder}/log`,
    RABBITMQ_CONFIG_FILE: `${folder}/conf/rabbitmq.conf`,
    RABBITMQ_ADVANCED_CONFIG_FILE: `${folder}/conf/advanced.config`,
    RABBITMQ_ENABLED_PLUGINS_FILE: `${folder}/conf/enabled_plugins`,
    RABBITMQ_PID_FILE: `${folder}/rabbit.pid`,
    RABBITMQ_GENERATED_CONFIG_DIR: `${folder}/conf/generated`,
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
  };
}
