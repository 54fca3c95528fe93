// Mermaid's own reader and painter take each of these files: node mermaid.mjs FILE... What they refuse is said on stderr.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const files = process.argv.slice(2);
const library = createRequire(import.meta.url).resolve("mermaid/dist/mermaid.min.js");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
const page = await browser.newPage();
await page.addScriptTag({ path: library });
await page.evaluate(() => window.mermaid.initialize({ startOnLoad: false }));
const troubles = [];
for (const file of files) {
  const said = await page.evaluate(async (text) => {
    try {
      await window.mermaid.parse(text);
      const { svg } = await window.mermaid.render("drawn", text);
      return svg.includes("actor") ? "" : "nobody is drawn";
    } catch (error) {
      return String(error);
    }
  }, readFileSync(file, "utf8"));
  if (said !== "") troubles.push(`${file}: ${said}`);
}
await browser.close();
if (files.length === 0) troubles.push("no files");
if (troubles.length > 0) {
  console.error(troubles.join("\n"));
  process.exit(1);
}
