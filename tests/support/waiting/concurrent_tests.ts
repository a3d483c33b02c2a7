/** Tests at a time. */
const lanes = 24;

interface GatheredTest {
  readonly name: string;
  readonly run: (context: Deno.TestContext) => void | Promise<void>;
}

/**
 * Registers the tests of modules as steps of one test, which run at the same time: they wait for most of theirs. Steps
 * cannot have sanitizers then; the modules on their own have them.
 * @param load imports the modules
 */
export async function testConcurrently(name: string, load: () => Promise<unknown>): Promise<void> {
  const gathered: GatheredTest[] = [];
  const { test } = Deno;
  const gather = (name: string, run: GatheredTest["run"]) => void gathered.push({ name, run });
  Object.assign(Deno, { test: gather });
  try {
    await load();
  } finally {
    Object.assign(Deno, { test });
  }
  Deno.test({
    name,
    async fn(context) {
      const waiting = gathered.values();
      const work = async () => {
        for (const { name, run } of waiting) {
          await context.step({ name, fn: run, sanitizeOps: false, sanitizeResources: false, sanitizeExit: false });
        }
      };
      await Promise.all(Array.from({ length: lanes }, work));
    },
  });
}
