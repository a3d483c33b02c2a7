import { existsSync } from "node:fs";

const paths = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The path of a Chromium or Chrome that is installed; undefined when there is none. */
export const browserPath = paths.find((path) => existsSync(path));

/** Appended to the name of a test that needs a browser, so that a skipped test says why. */
export const browserNote = browserPath === undefined ? " (SKIPPED: install chromium to run it)" : "";
