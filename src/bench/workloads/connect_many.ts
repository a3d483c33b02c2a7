/** Connections in progress, below the 128 that a server allows an address before they log in. */
const atOnce = 32;

/** Connects `count` sessions, some at a time. @throws the first error, once no connection is in progress */
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
