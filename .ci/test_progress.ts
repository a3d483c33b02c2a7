// deno-lint-ignore no-control-regex -- what a terminal takes for colours
const colours = /\x1b\[[0-9;]*m/g;
const marks: Readonly<Record<string, string>> = { ok: ".", ignored: ",", FAILED: "!", cancelled: "!" };
const keptLines = 100;
/** Said of a test that takes long, on its line; the result comes on one of its own then. */
const longRunning = /'.*' has been running for over \(.*\)$/;

const uncaught = / \(uncaught error\)$/;

/** Tests of one file, by their names; steps are not among them. */
export interface FileResult {
  readonly passed: string[];
  readonly failed: string[];
  skipped: number;
}

/** Follows what `deno test` prints with its usual reporter. */
export class TestProgress {
  passed = 0;
  failed = 0;
  skipped = 0;
  /** The tests that failed, each with its place, and files that could not be run; known at the end. */
  readonly failures: string[] = [];
  /** What went wrong where, as it was printed; known at the end. */
  readonly errors: string[] = [];
  /** The end of what was printed. */
  readonly lines: string[] = [];
  /** What each file's tests came to, by its name: "./tests/core/one_test.ts". */
  readonly files = new Map<string, FileResult>();
  #section: "tests" | "errors" | "failures" = "tests";
  #file = "";
  #test: string | undefined;
  #rest = "";

  /** The test that has begun and not ended, with its file. */
  get running(): string {
    const test = /^(\S.*) \.\.\.\s*$/.exec(this.#rest.replaceAll(colours, ""))?.[1] ?? this.#test;
    return `${test === undefined ? "no test" : `"${test}"`} of ${this.#file || "no file yet"}`;
  }

  /** The files that could not be run, or not to the end. */
  get brokenFiles(): string[] {
    return this.failures.filter((failure) => uncaught.test(failure)).map((failure) => failure.replace(uncaught, ""));
  }

  /** What {@link failures} has of a test, or of a file that could not be run. */
  failuresOf(name: string): string[] {
    return this.failures.filter((failure) =>
      failure === `${name} (uncaught error)` || [" => ", " ... "].some((end) => failure.startsWith(name + end))
    );
  }

  /** The lines of {@link errors} below one of {@link failures}. */
  errorOf(failure: string): string[] {
    const said = this.errors.map((line) => line.replaceAll(colours, ""));
    const begin = said.indexOf(failure) + 1;
    if (begin === 0) return [];
    const end = said.findIndex((line, at) => at >= begin && this.failures.includes(line));
    return said.slice(begin, end < 0 ? undefined : end).filter((line) => line.trim() !== "");
  }

  /** @returns a mark for each test that ended: "." for one that passed, "," for one that was skipped, "!" for one that failed. */
  take(text: string): string {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    return lines.map((line) => this.#takeLine(line)).join("");
  }

  #takeLine(line: string): string {
    this.lines.push(line);
    if (this.lines.length > keptLines) this.lines.shift();
    const said = line.replaceAll(colours, "").replace(longRunning, "");
    if (said === " ERRORS ") this.#section = "errors";
    else if (said === " FAILURES ") this.#section = "failures";
    else if (this.#section === "errors") this.errors.push(line);
    else if (this.#section === "failures" && (/ => /.test(said) || uncaught.test(said))) this.failures.push(said);
    return this.#section === "tests" ? this.#takeResult(said) : "";
  }

  #takeResult(said: string): string {
    this.#file = /^running \d+ tests? from (.+)$/.exec(said)?.[1] ?? this.#file;
    this.#test = /^(\S.*) \.\.\.\s*$/.exec(said)?.[1] ?? this.#test;
    const [, name = this.#test ?? "", result] =
      /^(?:(\S.*) \.\.\.)? (ok|ignored|FAILED|cancelled)\b.*\(\d[^()]*\)$/.exec(said) ?? [];
    if (result === undefined) return "";
    this.#test = undefined;
    const file = this.files.get(this.#file) ?? { passed: [], failed: [], skipped: 0 };
    this.files.set(this.#file, file);
    if (result === "ok") this.passed++, file.passed.push(name);
    else if (result === "ignored") this.skipped++, file.skipped++;
    else this.failed++, file.failed.push(name);
    return marks[result];
  }
}
