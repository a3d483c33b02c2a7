import { outputError, SystemError } from "../core/system_error.ts";

/** The output for the user of a command. */
export interface Output {
  /** Writes whole lines; `text` is without the last line's end. */
  stdout(text: string): void;
  stderr(text: string): void;
  readonly colors: boolean;
  /** In columns; undefined for no wrapping. */
  readonly width: number | undefined;
}

/**
 * The process's stdout and stderr, written synchronously. A closed pipe is no error. Nothing can be told about a stderr
 * that cannot be written, so it is not an error either.
 */
export const processOutput: Output = {
  stdout: (text) => writeLine(Deno.stdout, text),
  stderr: (text) => {
    try {
      writeLine(Deno.stderr, text);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
  },
  colors: Deno.stdout.isTerminal() && !Deno.noColor,
  width: Deno.stdout.isTerminal() ? Deno.consoleSize().columns || undefined : undefined,
};

/** Writes to stderr, and gives up after a second: an unread log must not keep a server from ending. */
export async function writeErrorInTime(text: string): Promise<void> {
  const { LogOutput } = await import("./logging/log_output.ts");
  const output = new LogOutput(Deno.stderr);
  output.write(text);
  await output.flush();
}

function writeLine(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(`${text}\n`);
  try {
    for (let written = 0; written < bytes.length;) written += stream.writeSync(bytes.subarray(written));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw outputError(error);
  }
}
