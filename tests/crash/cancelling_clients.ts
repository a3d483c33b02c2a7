/**
 * Well-formed grpc-js clients that cancel, close and vanish at random moments of a bidirectional stream. Runs as a
 * process of its own: an HTTP/2 client may die of the same faults as the server.
 *
 * Arguments: a JSON object {@link CancellingOptions}.
 */
import { Buffer } from "node:buffer";
import process from "node:process";
import * as grpc from "@grpc/grpc-js";
import { seededRandom } from "./seeded_random.ts";

export interface CancellingOptions {
  port: number;
  seed: number;
  milliseconds: number;
  streamPath: string;
  /** Base64 of the messages that open the stream. */
  opening: string[];
  authority?: string;
  certificate?: string;
  key?: string;
}

const options = JSON.parse(process.argv[2]) as CancellingOptions;
const random = seededRandom(options.seed);
const end = Date.now() + options.milliseconds;
const identity = (value: Buffer) => value;
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const credentials = options.authority
  ? grpc.credentials.createSsl(
    Buffer.from(options.authority),
    options.key ? Buffer.from(options.key) : null,
    options.certificate ? Buffer.from(options.certificate) : null,
  )
  : grpc.credentials.createInsecure();

async function misbehave() {
  const client = new grpc.Client(`127.0.0.1:${options.port}`, credentials, {
    "grpc.ssl_target_name_override": "localhost",
    "grpc.use_local_subchannel_pool": 1,
  });
  const streams = Array.from({ length: random.integer(1, 6) }, () => {
    const stream = client.makeBidiStreamRequest(options.streamPath, identity, identity, {
      deadline: Date.now() + random.integer(5, 3000),
    });
    stream.on("error", () => {});
    if (random.next() < 0.7) stream.on("data", () => {});
    for (const message of options.opening) stream.write(Buffer.from(message, "base64"));
    return stream;
  });
  await pause(random.integer(0, 120));
  for (const stream of streams) {
    if (random.next() < 0.6) stream.cancel();
    else if (random.next() < 0.5) stream.end();
    if (random.next() < 0.3) await pause(random.integer(0, 5));
  }
  client.close();
}

async function keepMisbehaving() {
  while (Date.now() < end) await misbehave();
}

await Promise.all([keepMisbehaving(), keepMisbehaving(), keepMisbehaving()]);
process.exit(0);
