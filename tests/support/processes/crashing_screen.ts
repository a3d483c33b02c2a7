/** A program that takes the terminal, draws on it, and then ends by a bug: the way is its argument. */
import { FrameScreen } from "../../../src/terminal/full_screen/frame_screen.ts";
import { processDevice } from "../../../src/terminal/input/terminal_device.ts";

const ways: Readonly<Record<string, () => void>> = {
  throw: () => {
    throw new Error("a bug");
  },
  reject: () => void Promise.reject(new Error("a bug")),
  exit: () => Deno.exit(1),
};

const drawn = Promise.withResolvers<void>();
const screen = new FrameScreen({
  device: { ...processDevice, write: (text) => processDevice.write(text).then(drawn.resolve) },
  compose: ({ rows }) => ({
    rows: Array.from({ length: rows }, (_, row) => [{ column: 0, text: `row ${row} of the screen` }]),
    cursor: { row: 0, column: 0 },
  }),
});
await screen.take();
await drawn.promise;
setTimeout(ways[Deno.args[0]]);
