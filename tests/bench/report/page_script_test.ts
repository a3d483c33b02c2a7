import assert from "node:assert/strict";
import { chromium, type Page } from "playwright-core";
import { reportPage } from "../../../src/bench/report/report_page.ts";
import { requireBrowser } from "../../support/processes/browser.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";
import { madeUpReport } from "./made_up_report.ts";

/**
 * Opens the page of a report in a browser without a network, and requires that the browser reports and requests
 * nothing.
 */
async function withPage(use: (page: Page, events: readonly string[]) => Promise<void>): Promise<void> {
  using folder = temporaryFolder();
  const file = `${folder.path}/bench.html`;
  Deno.writeTextFileSync(file, reportPage(madeUpReport()));
  const browser = await chromium.launch({ executablePath: requireBrowser() });
  try {
    const page = await browser.newPage({ colorScheme: "light" });
    const events: string[] = [];
    page.on("console", (message) => events.push(message.text()));
    page.on("pageerror", (error) => events.push(error.message));
    page.on("request", (request) => events.push(request.url()));
    await page.context().setOffline(true);
    await page.goto(`file://${file}`);
    assert.deepEqual(events.splice(0), [`file://${file}`]);
    await use(page, events);
    assert.deepEqual(events, []);
  } finally {
    await browser.close();
  }
}

function browserTest(name: string, use: (page: Page) => Promise<void>): void {
  Deno.test(name, () => withPage(use));
}

/** For each figure, the series in its data whose color is nowhere on its canvas. */
function undrawnSeries(page: Page): Promise<string[][]> {
  return page.locator("figure").evaluateAll((figures) =>
    // deno-lint-ignore no-explicit-any -- the DOM of the browser has no types here
    figures.map((figure: any) => {
      const canvas = figure.querySelector("canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const isDrawn = (color: string) => {
        const wanted = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
        for (let i = 0; i < data.length; i += 4) {
          if (data[i + 3] > 200 && wanted.every((value, k) => Math.abs(data[i + k] - value) < 3)) return true;
        }
        return false;
      };
      const { series } = JSON.parse(figure.querySelector("script").textContent);
      return series.filter(({ color }: { color: string }) => !isDrawn(color)).map(({ name }: { name: string }) => name);
    })
  );
}

browserTest("a browser draws every series of every chart, without a network and without an error", async (page) => {
  const undrawn = await undrawnSeries(page);
  assert.equal(undrawn.length, 14);
  assert.deepEqual(undrawn.flat(), []);
});

browserTest("the legend shows the values under the cursor", async (page) => {
  const bars = page.locator("figure.bars").first();
  await bars.locator(".u-over").hover();
  assert.match(
    await bars.locator(".u-legend").innerText(),
    /^system\s*amqp\s*server\s*81\.8\s*broker\s*35\.5\s*driver\s*36\.4\s*$/,
  );
  const lines = page.locator("figure.lines").first();
  await lines.locator(".u-over").hover();
  assert.match(
    await lines.locator(".u-legend").innerText(),
    /^seconds\s*5(\.5)?\s*grpc-stream\s*2\d,\d{3}\s*grpc-callback/,
  );
});

browserTest("charts follow the color scheme and the width of the window", async (page) => {
  const canvases = page.locator("canvas");
  // deno-lint-ignore no-explicit-any -- the DOM of the browser has no types here
  const picture = () => canvases.first().evaluate((canvas: any) => canvas.toDataURL());
  const light = await picture();
  await page.emulateMedia({ colorScheme: "dark" });
  await eventually(async () => await picture() !== light);
  await page.setViewportSize({ width: 400, height: 600 });
  // deno-lint-ignore no-explicit-any -- the DOM of the browser has no types here
  const widths = () => canvases.evaluateAll((all: any[]) => all.map(({ clientWidth }) => clientWidth));
  await eventually(async () => (await widths()).every((width) => width < 400));
  await eventually(async () => (await undrawnSeries(page)).flat().length === 0);
});
