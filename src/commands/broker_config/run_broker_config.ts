import { brokerConfig, brokerConfigMark, brokerPlugins, enabledPlugins } from "../../amqp/broker/broker_config.ts";
import { brokerAuthSecret } from "../../app/broker/broker_auth_secret.ts";
import { type BrokerLoginOptions, makeBrokerLogin } from "../../app/broker/broker_login.ts";
import { ChatError } from "../../core/chat_error.ts";
import { formatHostPort, type HostPort } from "../../host/host_port.ts";
import { requireDataFolder } from "../../host/permissions.ts";
import { prepareDataFolder } from "../../store/data_folder.ts";
import { exitCode } from "../exit_code.ts";

/** What `chatd broker-config` is asked to do. */
export interface BrokerConfigCommandOptions extends BrokerLoginOptions {
  /** Where the broker asks, as it reaches chatd. */
  readonly authAddress: HostPort;
  readonly authSecretFile?: string;
  /** A folder for rabbitmq.conf and enabled_plugins; they are printed unless given. */
  readonly writeTo?: string;
}

/** Says how a broker must be set up. Makes the secrets in the data folder that are missing. @throws {ChatError} */
export async function runBrokerConfig(options: BrokerConfigCommandOptions): Promise<number> {
  const { broker: { address: { vhost } }, authAddress, authSecretFile, dataDir, writeTo } = options;
  requireDataFolder(dataDir);
  prepareDataFolder(dataDir);
  const { user, password } = await makeBrokerLogin(options);
  const secret = brokerAuthSecret({ dataDir, secretFile: authSecretFile });
  const authUrl = `http://${formatHostPort(authAddress)}/${secret}`;
  const config = written(() => brokerConfig({ user, password, vhost, authUrl }));
  if (writeTo === undefined) {
    console.log(config + advice({ user, password, vhost }));
  } else {
    await refuseOthers(writeTo, ["rabbitmq.conf", "enabled_plugins"]);
    await write(writeTo, "rabbitmq.conf", config);
    await write(writeTo, "enabled_plugins", enabledPlugins());
    console.log(
      `Wrote ${writeTo}/rabbitmq.conf and ${writeTo}/enabled_plugins. Only you can read them, for they hold secrets: ` +
        'give them to the user that RabbitMQ runs as ("chown rabbitmq").',
    );
  }
  return exitCode.done;
}

/** As comments, so that the whole is still a rabbitmq.conf. */
function advice({ user, password, vhost }: { user: string; password: string; vhost: string }): string {
  const permissions = vhost === "/" ? "" : `-p ${vhost} `;
  const lines = [
    "This is /etc/rabbitmq/rabbitmq.conf, or a file in /etc/rabbitmq/conf.d. It holds two secrets: let only RabbitMQ read it.",
    "",
    "The plugins, which /etc/rabbitmq/enabled_plugins names, are enabled by",
    `  rabbitmq-plugins enable ${brokerPlugins.join(" ")}`,
    "",
    "A broker that was started before needs the user, and not guest, whom it would let in without asking chatd:",
    `  rabbitmqctl add_user ${user} ${password}`,
    `  rabbitmqctl set_user_tags ${user} administrator`,
    `  rabbitmqctl set_permissions ${permissions}${user} '.*' '.*' '.*'`,
    "  rabbitmqctl delete_user guest",
    "",
    'After its restart, and with "chatd serve --broker URL" running, "chatd doctor --broker URL" tells whether all is well.',
  ];
  return `\n${lines.map((line) => `# ${line}`.trimEnd()).join("\n")}`;
}

function written(make: () => string): string {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ChatError(
      "invalid_argument",
      "The user, the password or the virtual host has characters that rabbitmq.conf does not take: choose others.",
      { cause },
    );
  }
}

/** A folder whose rabbitmq.conf has the mark is chatd's, and so is one with neither file. */
async function refuseOthers(folder: string, names: readonly [config: string, plugins: string]): Promise<void> {
  const [config, plugins] = await Promise.all(names.map((name) => readIfThere(folder, name)));
  if (config?.startsWith(`${brokerConfigMark}\n`)) return;
  const name = config !== undefined ? names[0] : plugins !== undefined ? names[1] : undefined;
  if (name === undefined) return;
  throw new ChatError(
    "permission_denied",
    `"${folder}/${name}" is there, and "chatd broker-config" did not make it: name another folder with --write, and bring ` +
      "the two together by hand.",
  );
}

async function readIfThere(folder: string, name: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(`${folder}/${name}`);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ChatError("permission_denied", `Cannot read "${folder}/${name}": ${why}`, { cause });
  }
}

/** In one go, so that nobody else can ever read it. */
async function write(folder: string, name: string, text: string): Promise<void> {
  const unfinished = `${folder}/.${name}.${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(unfinished, text, { createNew: true, mode: 0o600 });
    await Deno.rename(unfinished, `${folder}/${name}`);
  } catch (cause) {
    await Deno.remove(unfinished).catch(() => {});
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ChatError("permission_denied", `Cannot write "${folder}/${name}": ${why}`, { cause });
  }
}
