// One case on one page: node page.mjs CASE FILE [URL-FRAGMENT]. Whatever is wrong is said on stderr, with exit code 1.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [, , name, file, fragment = ""] = process.argv;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const address = file.startsWith("http://") ? file : `file://${file}`;
const troubles = [];

function expect(held, what) {
  if (!held) troubles.push(what);
}

// A page with everything that it says or asks for noted down.
async function opened(browser, options = {}, init = null) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, bypassCSP: false, ...options });
  const page = await context.newPage();
  if (init !== null) await page.addInitScript(init);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) troubles.push(`the console says: ${message.text()}`);
  });
  page.on("pageerror", (error) => troubles.push(`an error in the page: ${error}`));
  page.on("dialog", (dialog) => {
    troubles.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(address) || request.resourceType() !== "document") troubles.push(`a request: ${request.url().slice(0, 200)}`);
  });
  await page.goto(`${address}${fragment}`);
  if (options.javaScriptEnabled !== false && (await page.locator("#explorer").count()) > 0) await page.waitForSelector("#explorer[data-painted]", { timeout: 20_000 });
  return page;
}

async function axed(browser, options) {
  // The page's own policy would not let axe in.
  const page = await opened(browser, { ...options, bypassCSP: true });
  await page.evaluate(axe);
  await page.evaluate(() => { for (const folded of document.querySelectorAll("details")) folded.open = true; });
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const violation of violations) {
    troubles.push(`axe, ${JSON.stringify(options)}: ${violation.id}: ${violation.help}: ${violation.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
  }
}

const chosen = (page) => page.textContent("#details");

const CASES = {
  async quiet(browser) {
    for (const colorScheme of ["light", "dark"]) {
      const page = await opened(browser, { colorScheme });
      await page.waitForTimeout(200);
      const title = await page.title();
      expect(title !== "", "the page has no title");
    }
  },

  async accessible(browser) {
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [360, 1400]) await axed(browser, { colorScheme, viewport: { width, height: 900 } });
    }
  },

  async narrow(browser) {
    for (const width of [360, 1400]) {
      const page = await opened(browser, { viewport: { width, height: 800 } });
      const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
      expect(wide <= room, `at ${width} pixels the page is ${wide} wide`);
    }
  },

  async keyboard(browser) {
    const page = await opened(browser);
    const seen = new Set();
    for (let i = 0; i < 200; i += 1) {
      await page.keyboard.press("Tab");
      const at = await page.evaluate(() => document.activeElement?.id || document.activeElement?.dataset?.do || "");
      seen.add(at);
      if (at === "lanes") break;
    }
    expect(seen.has("lanes"), `Tab never comes to the lanes, but to ${[...seen].join(", ")}`);
    expect(seen.has("axis") && seen.has("message") && seen.has("violation"), "Tab leaves controls out");
    const told = [];
    for (const key of ["Escape", "j", "j", "k", "n", "p", "f", "+", "ArrowRight", "-", "0", "c", "m", "m"]) {
      await page.keyboard.press(key);
      told.push(await chosen(page));
    }
    expect(told[1] !== told[0] && told[2] !== told[1] && told[3] === told[1], `j and k choose events: ${told.slice(0, 4).join(" / ").slice(0, 400)}`);
    await page.keyboard.press("?");
    expect(await page.isVisible("#help"), "? shows the keys");
    await page.keyboard.press("Escape");
    expect(!(await page.isVisible("#help")), "Escape closes the keys");
    await page.keyboard.press("/");
    expect(await page.evaluate(() => document.activeElement.id === "text"), "/ goes to the filter");
    await page.keyboard.type("deliver");
    await page.keyboard.press("Escape");
    await page.keyboard.press("j");
    expect((await chosen(page)).includes("deliver"), "the filter leaves deliveries only");
  },

  async pointer(browser) {
    const page = await opened(browser);
    const canvas = page.locator("#lanes");
    await canvas.scrollIntoViewIfNeeded();
    const box = await canvas.boundingBox();
    const before = await canvas.screenshot();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.wheel(0, -600);
    await page.waitForTimeout(100);
    const zoomed = await canvas.screenshot();
    expect(!before.equals(zoomed), "the wheel zooms");
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 - 150, box.y + box.height / 2, { steps: 5 });
    await page.mouse.up();
    await page.waitForTimeout(100);
    expect(!zoomed.equals(await canvas.screenshot()), "dragging moves");
    for (const axis of ["compressed", "logical", "real"]) {
      await page.selectOption("#axis", axis);
      await page.waitForTimeout(100);
    }
    await page.uncheck("#nodes input >> nth=0");
    await page.uncheck("#kinds input >> nth=7");
    await page.fill("#message", "1");
    await page.click("#listed summary");
    await page.waitForTimeout(100);
    expect((await page.locator("#list tbody tr").count()) > 0, "the table has events");
  },

  async link(browser) {
    const page = await opened(browser);
    expect((await chosen(page)).includes(`line ${fragment.slice(3)} of history.jsonl`), `${fragment} chooses its line, not: ${await chosen(page)}`);
  },

  async print(browser) {
    const page = await opened(browser);
    await page.emulateMedia({ media: "print" });
    expect(!(await page.isVisible("#explorer")), "the explorer is not printed");
    expect(await page.isVisible("svg.witness"), "the drawing is printed");
    expect((await page.pdf()).length > 10_000, "the print is empty");
  },

  async scriptless(browser) {
    const page = await opened(browser, { javaScriptEnabled: false });
    for (const what of ["h1", "svg.witness", "table.steps"]) expect(await page.isVisible(what), `${what} is not to be seen`);
    expect(!(await page.isVisible("#explorer")), "an explorer that does nothing is shown");
    expect((await page.textContent("body")).includes("JavaScript is allowed"), "it is not said what is missing");
  },

  async hostile(browser) {
    const page = await opened(browser, {}, () => { window.hacked = () => { throw new Error("hacked"); }; });
    for (const key of ["j", "j", "j", "n", "f"]) await page.keyboard.press(key);
    await page.click("#listed summary");
    await page.waitForTimeout(200);
    const text = await page.evaluate(() => document.body.innerText);
    const bad = /[\u0000-\u0008\u000e-\u001f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/u.exec(text);
    expect(bad === null, `a control or direction mark is in the text: U+${bad?.[0].codePointAt(0).toString(16)}`);
    const foreign = await page.evaluate(() => document.querySelectorAll("img, iframe, object, embed, link, base, form").length);
    expect(foreign === 0, `${foreign} elements are none of the page's`);
    expect(await page.evaluate(() => document.querySelectorAll("script").length) === 2, "there are other scripts");
    const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    expect(wide <= room, `a long name makes the page ${wide} wide`);
  },
};

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
try {
  await CASES[name](browser);
} catch (error) {
  troubles.push(String(error));
} finally {
  await browser.close();
}
if (troubles.length > 0) {
  process.stderr.write(`${troubles.join("\n")}\n`);
  process.exit(1);
}
