const random = new Uint32Array(1024);
let used = random.length;

/** Returns a receipt for a frame: unpredictable, and never 0. */
export function createReceipt(): number {
  for (;;) {
    if (used === random.length) {
      crypto.getRandomValues(random);
      used = 0;
    }
    const receipt = random[used++];
    if (receipt !== 0) return receipt;
  }
}
