import { GrpcTransport } from "../../../src/grpc/client/client_transport.ts";
import { eventually } from "../waiting/eventually.ts";
import { comeBack } from "./person.ts";

/** What a user finds at a server on 127.0.0.1, once everything that was said is indexed. */
export async function foundMessages(
  query: string,
  { user, password, port }: { user: string; password: string; port: number },
): Promise<string[]> {
  const transport = new GrpcTransport({ host: "127.0.0.1", port, callback: false });
  const { credentials } = await transport.logIn({ user, password, deviceName: "", deviceId: "" }, {});
  const { client, stop } = await comeBack(credentials!.token, transport);
  let texts: string[] = [];
  try {
    await eventually(async () => {
      const { messages, indexedThrough, head } = await client.search(query);
      texts = messages.map(({ text }) => text);
      return indexedThrough === head;
    }, () => "everything is indexed");
  } finally {
    await stop();
  }
  return texts;
}
