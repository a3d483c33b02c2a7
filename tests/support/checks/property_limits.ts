/**
 * Ends a property, with the failure found so far, before the runner of tests takes it for a hanging one: shrinking could
 * go on for longer.
 */
export const propertyLimits = { interruptAfterTimeLimit: 200_000, markInterruptAsFailure: true };
