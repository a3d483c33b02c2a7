let waiting: (() => void)[] = [];
let isScheduled = false;

/**
 * Runs a callback after the input that is ready now has been read. Callbacks of one turn of the event loop run
 * together; one that is deferred by another runs right after it, while their objects are still in the processor's
 * caches.
 */
export function defer(callback: () => void): void {
  waiting.push(callback);
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(runAll);
}

function runAll(): void {
  const due = waiting;
  waiting = [];
  for (const callback of due) {
    run(callback);
    if (waiting.length > 0) runNested();
  }
  isScheduled = false;
}

function runNested(): void {
  // Grows while it is run.
  for (const callback of waiting) run(callback);
  waiting = [];
}

/** An error is uncaught, as one of a timer, and holds up no other callback. */
function run(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
