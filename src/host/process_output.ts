/** Where words for the person go. */
export interface Output {
  /** Each takes whole lines without the last line's end. */
  stdout(text: string): void;
  stderr(text: string): void;
  readonly colors: boolean;
  /** In columns; undefined does not wrap. */
  readonly width: number | undefined;
}

/** The process's own stdout and stderr, written before it goes on. A reader that went away is no error. */
export const processOutput: Output = {
  stdout: (text) => writeLine(Deno.stdout, text),
  stderr: (text) => writeLine(Deno.stderr, text),
  colors: Deno.stdout.isTerminal() && !Deno.noColor,
  width: Deno.stdout.isTerminal() ? Deno.consoleSize().columns || undefined : undefined,
};

/** Writes to stderr, or gives up after a second: a server must not stay because its log is not read. */
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
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
