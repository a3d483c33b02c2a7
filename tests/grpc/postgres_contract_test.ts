import { openDatabaseChat } from "../../src/app/database/open_database_chat.ts";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { Connection } from "../../src/store/postgres/connection/connection.ts";
import { transportContract } from "../contract/transport.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { emptySchema } from "../support/databases/postgres_store.ts";
import { grpcFixture, type ReopenedStore } from "../support/servers/grpc_transport_fixture.ts";

async function makeStore(): Promise<ReopenedStore> {
  const folder = temporaryFolder();
  const access = await emptySchema();
  const database = { url: { address: access.address, password: access.password }, node: "test" };
  const { signal } = new AbortController();
  return {
    async open(options) {
      return (await openDatabaseChat({ ...options, database, folder: folder.path, again: false, signal }))!;
    },
    async hasContent(sha256) {
      await using connection = await Connection.open(access, { name: "test" });
      return (await connection.query("SELECT 1 FROM content WHERE sha256 = $1", [Uint8Array.fromHex(sha256)])).length >
        0;
    },
    remove: () => folder[Symbol.dispose](),
  };
}

transportContract("gRPC, over PostgreSQL", grpcFixture({ transport: Http2Transport, callback: false, makeStore }));
