import { AmqpLink } from "../../src/amqp/client/client_link.ts";
import { AmqpTransport } from "../../src/amqp/client/client_transport.ts";
import type { BrokerAddress } from "../../src/amqp/connection/broker_address.ts";
import type { Transport } from "../../src/client/transport.ts";
import type { Credentials } from "../../src/gen/chatd/v1/auth.ts";
import { transportContract, type TransportFixture, type TransportServer } from "../contract/transport.ts";
import { startTestAmqpServer, startTestBroker } from "../support/brokers/amqp_server.ts";
import { hasContent } from "../support/checks/files.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const broker = await startTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

/** Combines the transports of all users of a test; the token of a hello tells whose link it is. */
class EverybodysTransport implements Transport {
  readonly address = "the broker of the tests";
  readonly #broker: BrokerAddress;
  readonly #owners = new Map<string, string>();

  constructor(broker: BrokerAddress) {
    this.#broker = broker;
  }

  register: Transport["register"] = async (request, options) =>
    this.#remember(await this.#of(request.user).register(request, options));

  logIn: Transport["logIn"] = async (request, options) =>
    this.#remember(await this.#of(request.user).logIn(request, options));

  openFiles: Transport["openFiles"] = (options) =>
    this.#of(this.#owners.get(options.token) ?? "ana").openFiles(options);

  connect = () => Promise.resolve(this.open());

  open(): AmqpLink {
    let links: AmqpTransport | undefined;
    return new AmqpLink({
      signal: undefined,
      open: (token, options) => {
        const user = this.#owners.get(token) ?? "ana";
        links = this.#of(user);
        return links.openBroker({ user, password: token }, options);
      },
      explain: (error, options) => links?.explain(error, options) ?? Promise.resolve(error),
    });
  }

  #of(user: string): AmqpTransport {
    return new AmqpTransport({ broker: this.#broker, user });
  }

  #remember<Response extends { credentials?: Credentials | undefined }>(response: Response): Response {
    const { token, user } = response.credentials!;
    this.#owners.set(token, user);
    return response;
  }
}

const fixture: TransportFixture = {
  acknowledgesByReading: false,
  refusesDisabledAs: "unauthenticated",
  async start({ registration, rate } = {}): Promise<TransportServer> {
    const folder = temporaryFolder();
    const open = () => startTestAmqpServer(broker, { folder: folder.path, registration, rate });
    let running = await open();
    const transport = new EverybodysTransport(broker.address);
    let crashed = false;
    return {
      get chat() {
        return running.chat;
      },
      hasContent: (sha256) => Promise.resolve(hasContent(folder.path, sha256)),
      transport,
      openRaw: () => Promise.resolve(transport.open()),
      async stop(how) {
        crashed = how === "abruptly";
        if (crashed) await broker.node.crash();
        await running.stop({ inPeace: !crashed });
      },
      async start() {
        if (crashed) await broker.node.restart();
        running = await open();
      },
      async [Symbol.asyncDispose]() {
        await running.stop({ inPeace: true });
        folder[Symbol.dispose]();
      },
    };
  },
};

transportContract("AMQP", fixture);
