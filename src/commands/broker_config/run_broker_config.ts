import { brokerConfig, brokerConfigMark, brokerPlugins, enabledPlugins } from "../../amqp/broker/broker_config.ts";
import { brokerAuthSecret } from "../../app/broker/broker_auth_secret.ts";
import { type BrokerLoginOptions, makeBrokerLogin } from "../../app/broker/broker_login.ts";
import { ChatError } from "../../core/chat_error.ts";
import { pathReason } from "../../core/system_error.ts";
import { formatHostPort, type HostPort } from "../../host/host_port.ts";
import { requireDataFolder } from "../../host/permissions.ts";
import { prepareDataFolder } from "../../store/data_folder.ts";
import { exitCode } from "../exit_code.ts";

/** Options of `chatd broker-config`. */
export interface BrokerConfigCommandOptions extends BrokerLoginOptions {
  /** The address at which the broker reaches chatd's authorization endpoint. */
  readonly authAddress: HostPort;
  readonly authSecretFile?: string;
  /** Folder for rabbitmq.conf and enabled_plugins; printed to stdout unless given. */
  readonly writeTo?: string;
}

/** Prints or writes the broker's configuration. Creates missing secrets in the data folder. @throws {ChatError} */
export async function runBrokerConfig(options: BrokerConfigCommandOptions): Promise<number> {
  const { broker: { address: { vhost } }, authAddress, authSecretFile, dataDir, writeTo } = options;
  requireDataFolder(dataDir);
  prepareDataFolder(dataDir);
  const { user, password } = await makeBrokerLogin(options);
  const secret = brokerAuthSecret({ dataDir, secretFile: authSecretFile });
  const authUrl = `http://${formatHostPort(authAddress)}/${secret}`;
  const config = withUserErrors(() => brokerConfig({ user, password, vhost, authUrl }));
  if (writeTo === undefined) {
    console.log(config + advice({ user, password, vhost }));
  } else {
    await refuseForeignFolder(writeTo, ["rabbitmq.conf", "enabled_plugins"]);
    await write(writeTo, "rabbitmq.conf", config);
    await write(writeTo, "enabled_plugins", enabledPlugins());
    console.log(
      `Wrote ${writeTo}/rabbitmq.conf and ${writeTo}/enabled_plugins. They contain secrets, so only you can read them: ` +
        'give them to the user that RabbitMQ runs as ("chown rabbitmq").',
    );
  }
  return exitCode.done;
}

/** The remaining steps as comments: the output is a valid rabbitmq.conf. */
function advice({ user, password, vhost }: { user: string; password: string; vhost: string }): string {
  const permissions = vhost === "/" ? "" : `-p ${vhost} `;
  const lines = [
    "Use this as /etc/rabbitmq/rabbitmq.conf, or as a file in /etc/rabbitmq/conf.d. It contains two secrets: only RabbitMQ may",
    "read it.",
    "",
    "Enable the plugins (in /etc/rabbitmq/enabled_plugins):",
    `  rabbitmq-plugins enable ${brokerPlugins.join(" ")}`,
    "",
    "On a broker that was started before, add the user, and delete guest, which could log in without asking chatd:",
    `  rabbitmqctl add_user ${user} ${password}`,
    `  rabbitmqctl set_user_tags ${user} administrator`,
    `  rabbitmqctl set_permissions ${permissions}${user} '.*' '.*' '.*'`,
    "  rabbitmqctl delete_user guest",
    "",
    'Then restart the broker, start "chatd serve --broker URL", and check the setup with "chatd doctor --broker URL".',
  ];
  return `\n${lines.map((line) => `# ${line}`.trimEnd()).join("\n")}`;
}

function withUserErrors(make: () => string): string {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ChatError(
      "invalid_argument",
      "The user, the password or the virtual host contains characters that rabbitmq.conf does not allow: choose others.",
      { cause },
    );
  }
}

/** Refuses a folder with files that chatd did not write; chatd's own rabbitmq.conf starts with a mark. */
async function refuseForeignFolder(folder: string, names: readonly [config: string, plugins: string]): Promise<void> {
  const [config, plugins] = await Promise.all(names.map((name) => readIfExists(folder, name)));
  if (config?.startsWith(`${brokerConfigMark}\n`)) return;
  const name = config !== undefined ? names[0] : plugins !== undefined ? names[1] : undefined;
  if (name === undefined) return;
  throw new ChatError(
    "permission_denied",
    `"${folder}/${name}" exists, and "chatd broker-config" did not write it: choose another folder with --write, and ` +
      "merge the files by hand.",
  );
}

async function readIfExists(folder: string, name: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(`${folder}/${name}`);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw new ChatError("permission_denied", `Cannot read "${folder}/${name}": ${pathReason(cause)}.`, { cause });
  }
}

/** Creates the file with its final mode and renames it, so other users can never read it. */
async function write(folder: string, name: string, text: string): Promise<void> {
  const unfinished = `${folder}/.${name}.${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(unfinished, text, { createNew: true, mode: 0o600 });
    await Deno.rename(unfinished, `${folder}/${name}`);
  } catch (cause) {
    await Deno.remove(unfinished).catch(() => {});
    throw new ChatError("permission_denied", `Cannot write "${folder}/${name}": ${pathReason(cause)}.`, { cause });
  }
}
