// How long a page takes in a browser: node measure.mjs FILE. Prints milliseconds.

import { chromium } from "playwright-core";

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
try {
  const page = await (await browser.newContext({ viewport: { width: 1400, height: 900 } })).newPage();
  const begun = Date.now();
  await page.goto(`file://${process.argv[2]}`, { waitUntil: "commit" });
  await page.waitForSelector("#explorer[data-painted]", { timeout: 120_000 });
  const first = Date.now() - begun;
  // The whole run in view is what takes longest to draw.
  await page.click('[data-do="whole"]');
  await page.waitForTimeout(500);
  const frames = await page.evaluate(async () => {
    const times = [];
    for (let i = 0; i < 20; i += 1) {
      const before = performance.now();
      document.dispatchEvent(new KeyboardEvent("keydown", { key: i % 2 === 0 ? "-" : "0" }));
      await new Promise((resolve) => { requestAnimationFrame(() => resolve()); });
      times.push(performance.now() - before);
    }
    return times.sort((a, b) => a - b);
  });
  process.stdout.write(`first picture after ${first} ms, a redraw of the whole ${frames[10].toFixed(0)} ms (median of 20)\n`);
} finally {
  await browser.close();
}
