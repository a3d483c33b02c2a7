import { BrokerManagement } from "../../../src/amqp/broker/broker_management.ts";
import { BrokerWatch } from "../../../src/amqp/broker/broker_watch.ts";
import type { RefusedLogins } from "../../../src/amqp/broker/refused_logins.ts";
import { silentLog } from "../../../src/core/log.ts";
import { startTestAmqpServer, type TestAmqpServer, type TestBroker } from "./amqp_server.ts";

/** Opens the management of a broker, with the login of its operator. */
export function openManagement({ node }: TestBroker): BrokerManagement {
  const login = { user: node.user, password: node.password };
  return new BrokerManagement({ url: node.managementUrl, login, log: silentLog });
}

/** Starts a server that closes connections and traces messages through the management of its broker. */
export async function startManagedServer(
  broker: TestBroker,
): Promise<AsyncDisposable & { readonly chatd: TestAmqpServer }> {
  const management = openManagement(broker);
  const chatd = await startTestAmqpServer(broker, {
    kick: (target) => void management.kick(target),
    closeConnection: (name) => void management.closeConnection(name),
    whileTracing: (look) => management.whileTracing("/", look),
  });
  return {
    chatd,
    async [Symbol.asyncDispose]() {
      await chatd[Symbol.asyncDispose]();
      await management.close();
    },
  };
}

/** Watches the connections of a server's broker as `chatd serve` does; begins at once. */
export function watchBroker(
  chatd: TestAmqpServer,
  { broker, management, refused }: { broker: TestBroker; management: BrokerManagement; refused: RefusedLogins },
): BrokerWatch {
  const watch = new BrokerWatch({
    management,
    vhost: "/",
    log: silentLog,
    refused,
    serverUser: broker.node.user,
    isAccount: async (user) => await chatd.chat.accounts.findUser(user) !== undefined,
    lacksMemory: () => chatd.server.lacksMemory,
  });
  watch.start();
  return watch;
}
