import { existsSync } from "node:fs";
import { debianPackages, googleChrome, requireDebianPackages } from "./debian_package.ts";

/** Returns the path of Chromium or Chrome, and installs Chromium if both are missing. @throws {Error} without one */
export function requireBrowser(): string {
  requireDebianPackages(["chromium"], "tests open pages in it");
  return existsSync(googleChrome) ? googleChrome : debianPackages.chromium;
}
