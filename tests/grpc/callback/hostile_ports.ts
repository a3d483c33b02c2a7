import { Buffer } from "node:buffer";
import { createThrowawayCertificate } from "../../../src/grpc/callback/throwaway_certificate.ts";
import { encodeHeaders } from "../../../src/grpc/http2/header_encoder.ts";
import {
  data,
  Flag,
  frame,
  FrameType,
  goaway,
  grpcMessage,
  headers,
  ping,
  rstStream,
  settings,
  uint32,
} from "../../crash/http2_frames.ts";
import type { HostileOptions } from "./hostile_listener.ts";
import { signedByNamed } from "./signed_certificate.ts";

const responseHead = headers(1, encodeHeaders([[":status", "200"], ["content-type", "application/grpc"]]));
const end = (...fields: [string, string][]) => headers(1, encodeHeaders(fields), Flag.endHeaders | Flag.endStream);
const trailers = end(["grpc-status", "0"]);
const message = (bytes: Uint8Array) => data(1, grpcMessage(bytes));
const says = (...frames: Uint8Array[]): HostileOptions => ({
  serve: (socket) => void socket.write(Buffer.concat([settings(), ...frames])),
});

/** Writes the same without end. */
function flood(
  socket: { write(bytes: Uint8Array): boolean; on(event: "drain", act: () => void): void },
  bytes: Uint8Array,
) {
  const fill = () => {
    while (socket.write(bytes));
  };
  socket.on("drain", fill);
  fill();
}

const floods = (start: Uint8Array, bytes: Uint8Array): HostileOptions => ({
  serve: (socket) => {
    socket.write(start);
    flood(socket, bytes);
  },
});

export interface HostilePort extends HostileOptions {
  readonly name: string;
  /** The dialler gives up by itself, before its deadline. */
  readonly givesUp: boolean;
  /** Whether the certificate is not the one that was named. */
  readonly isStranger?: boolean;
}

const megabyte = new Uint8Array(1_000_000);
const block = encodeHeaders([["x", "y".repeat(9_000)]]);

export const hostilePorts: readonly HostilePort[] = [
  { name: "says nothing", plain: () => {}, givesUp: false, isStranger: true },
  { name: "closes at once", plain: (socket) => socket.end(), givesUp: true, isStranger: true },
  { name: "resets at once", plain: (socket) => socket.resetAndDestroy(), givesUp: true, isStranger: true },
  {
    name: "speaks plain text",
    plain: (socket) => void socket.write("220 mail ready\r\n"),
    givesUp: true,
    isStranger: true,
  },
  {
    name: "sends megabytes of plain text",
    plain: (socket) => flood(socket, megabyte),
    givesUp: true,
    isStranger: true,
  },
  { name: "has another certificate", shown: createThrowawayCertificate, givesUp: true, isStranger: true },
  { name: "has a certificate that the named one signed", shown: signedByNamed, givesUp: true, isStranger: true },
  { name: "speaks HTTP/1.1 over TLS", ALPNProtocols: ["http/1.1"], givesUp: true, isStranger: true },
  { name: "does not answer", ...says(), givesUp: false },
  { name: "answers in part", ...says(responseHead, message(new Uint8Array()).subarray(0, 11)), givesUp: false },
  { name: "lets nothing be sent", ...says(settings([[4, 0]])), givesUp: false },
  { name: "is no HTTP/2", serve: (socket) => void socket.write("HTTP/1.1 200 OK\r\n\r\n"), givesUp: true },
  { name: "sends megabytes before SETTINGS", ...floods(new Uint8Array(), megabyte), givesUp: true },
  { name: "sends megabytes of DATA", ...floods(settings(), data(1, new Uint8Array(16_384))), givesUp: true },
  {
    name: "sends messages without end",
    ...floods(Buffer.concat([settings(), responseHead]), message(new Uint8Array(10))),
    givesUp: true,
  },
  {
    name: "sends empty DATA without end",
    ...floods(Buffer.concat([settings(), responseHead]), data(1, new Uint8Array())),
    givesUp: true,
  },
  {
    name: "sends a header block without end",
    ...floods(
      Buffer.concat([settings(), headers(1, block, 0)]),
      frame(FrameType.continuation, { stream: 1, payload: new Uint8Array(100) }),
    ),
    givesUp: true,
  },
  { name: "sends header blocks without end", ...floods(settings(), headers(1, block)), givesUp: true },
  {
    name: "sends interim responses without end",
    ...floods(settings(), headers(1, encodeHeaders([[":status", "103"]]))),
    givesUp: true,
  },
  { name: "sends PING without end", ...floods(settings(), ping()), givesUp: true },
  { name: "sends SETTINGS without end", ...floods(settings(), settings([[4, 1]])), givesUp: true },
  { name: "sends RST_STREAM without end", ...floods(settings(), rstStream(1)), givesUp: true },
  {
    name: "sends WINDOW_UPDATE without end",
    ...floods(settings(), frame(FrameType.windowUpdate, { payload: uint32(1) })),
    givesUp: true,
  },
  {
    name: "sends frames of a new type without end",
    ...floods(settings(), frame(0xbe, { payload: new Uint8Array(100) })),
    givesUp: true,
  },
  { name: "sends GOAWAY", ...says(goaway(0)), givesUp: true },
  { name: "sends GOAWAY for the next call and does not answer", ...says(goaway(1)), givesUp: false },
  { name: "sends RST_STREAM", ...says(rstStream(1)), givesUp: true },
  {
    name: "sends PUSH_PROMISE",
    ...says(frame(FrameType.pushPromise, { stream: 1, flags: 4, payload: uint32(2) })),
    givesUp: true,
  },
  { name: "resets within the answer", ...says(responseHead, message(new Uint8Array()), rstStream(1)), givesUp: true },
  {
    name: "closes within the answer",
    serve: (socket) => void socket.end(Buffer.concat([settings(), responseHead])),
    givesUp: true,
  },
  {
    name: "cuts the connection within the answer",
    serve: (socket) => socket.write(responseHead.subarray(0, 12), () => socket.destroy()),
    givesUp: true,
  },
  { name: "refuses the call", ...says(end([":status", "200"], ["grpc-status", "16"])), givesUp: true },
  {
    name: "answers with a status that is none",
    ...says(responseHead, message(new Uint8Array()), end(["grpc-status", "00"])),
    givesUp: true,
  },
  {
    name: "answers without a status",
    ...says(responseHead, data(1, grpcMessage(new Uint8Array()), true)),
    givesUp: true,
  },
  { name: "answers with HTTP 404", ...says(end([":status", "404"])), givesUp: true },
  {
    name: "answers with more than 1 KiB",
    ...says(responseHead, message(new Uint8Array(1_025)), trailers),
    givesUp: true,
  },
  {
    name: "answers with what is no response",
    ...says(responseHead, message(Buffer.of(0xff)), trailers),
    givesUp: true,
  },
  {
    name: "answers twice",
    ...says(responseHead, message(new Uint8Array()), message(new Uint8Array()), trailers),
    givesUp: true,
  },
];

/** Answers the first call, and goes on with its headers without end. */
export const answersThenFloods: HostileOptions = floods(
  Buffer.concat([settings(), responseHead, message(new Uint8Array()), trailers]),
  trailers,
);
