import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { ClientFrame } from "../gen/chatd/v1/session.ts";

/** Keeps its memory from one frame to the next: growing a new one costs half of what encoding does. */
let writer = new BinaryWriter();

/** As the generated code encodes it. */
export function encodeClientFrame(frame: ClientFrame): Uint8Array<ArrayBuffer> {
  try {
    return ClientFrame.encode(frame, writer).finish();
  } catch (error) {
    // It holds half a frame.
    writer = new BinaryWriter();
    throw error;
  }
}
