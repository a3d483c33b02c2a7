/** Fewer than a server lets one address have that have not logged in: 128. */
const atOnce = 32;

/** Connects so many, some at a time. Resolves when all are there. @throws the first error, when nothing is under way any more */
export async function connectMany(
  count: number,
  connect: () => Promise<unknown>,
  progress: (words: string) => void,
): Promise<void> {
  let begun = 0;
  let connected = 0;
  let failed = false;
  const connectSome = async () => {
    while (begun < count && !failed) {
      begun++;
      try {
        await connect();
      } catch (error) {
        failed = true;
        throw error;
      }
      if (++connected % 10 === 0) progress(`${connected} of ${count} sessions`);
    }
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(atOnce, count) }, connectSome));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}
