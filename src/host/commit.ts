/** The commit that this program was built from; `stageSources` writes it here. */
export const commit: string = "unknown";
