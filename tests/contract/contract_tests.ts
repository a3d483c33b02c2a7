export interface ContractTestsOptions<Opened, Subject> {
  /** Opens a store for each test, which is closed after it. */
  readonly open: () => Opened | Promise<Opened>;
  /** Fills the store before each test. @returns what the test is about */
  readonly prepare: (opened: Opened) => Subject | Promise<Subject>;
}

/** Returns a function that adds a test of a contract, whose name begins with the name of the store. */
export function contractTests<Opened extends { close(): void | Promise<void> }, Subject>(
  name: string,
  { open, prepare }: ContractTestsOptions<Opened, Subject>,
): (behaviour: string, run: (subject: Subject, opened: Opened) => Promise<void>) => void {
  return (behaviour, run) =>
    Deno.test(`${name}: ${behaviour}`, async () => {
      const opened = await open();
      try {
        await run(await prepare(opened), opened);
      } finally {
        await opened.close();
      }
    });
}
