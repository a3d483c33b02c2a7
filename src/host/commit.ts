/** The commit that this program was made of; compiling puts it here. */
export const commit: string = "unknown";
