import { decodeFrame, type ReceivedFrame } from "../../client/received_frame.ts";
import { DeliverResponse } from "../../gen/chatd/v1/session.ts";
import { GrpcStatus } from "../http2/grpc_status.ts";
import type { ServerCall } from "../http2/server_call.ts";
import { deliverPath } from "./callback_protocol.ts";

/** Handles a frame of the server; rejects when the session is over. */
export type TakeFrame = (frame: ReceivedFrame) => Promise<void>;

/** Answers a call of the session's server with the receipt of its frame, once `take` resolves. */
export function answerDeliver(call: ServerCall, take: TakeFrame | undefined): void {
  if (call.path !== deliverPath) {
    return call.end({ code: GrpcStatus.unimplemented, details: "This service has no such method." });
  }
  let frame: ReceivedFrame | undefined;
  call.begin({
    onMessage: (bytes) => {
      // Decoded frames refer to parts of their bytes.
      frame = frame === undefined ? decode(bytes.slice()) : undefined;
      if (frame === undefined) {
        call.end({ code: GrpcStatus.invalidArgument, details: "The request is not a single frame." });
      }
    },
    onHalfClose: () => {
      if (frame === undefined) call.end({ code: GrpcStatus.invalidArgument, details: "The request has no frame." });
      else if (take === undefined) {
        call.end({ code: GrpcStatus.unavailable, details: "The session is not ready for frames." });
      } else void deliver(frame, { call, take });
    },
    onClose: () => {},
  });
}

async function deliver(
  { receipt, ...frame }: ReceivedFrame,
  { call, take }: { call: ServerCall; take: TakeFrame },
): Promise<void> {
  try {
    // The response acknowledges the frame, so its reader has nothing to acknowledge.
    await take({ ...frame, receipt: 0 });
  } catch {
    return call.end({ code: GrpcStatus.unavailable, details: "The session is over." });
  }
  call.send(DeliverResponse.encode({ receipt }).finish());
  call.end();
}

/** Decodes a frame; undefined when the bytes are malformed. */
function decode(bytes: Uint8Array): ReceivedFrame | undefined {
  try {
    return decodeFrame(bytes);
  } catch {
    return undefined;
  }
}
