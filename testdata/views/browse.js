// Opens a report in Chromium, light and dark, narrow and wide, and prints what is wrong with it
// as JSON. Arguments: the file, the program of Chromium, and a folder for screenshots if wanted.
const fs = require("fs");
const path = require("path");
const { pathToFileURL } = require("url");
const { chromium } = require("playwright-core");

// Of texts in a plot: those that leave it, and pairs that cover each other.
const inspect = () => {
  const found = { figures: [], overflow: [], texts: [], tables: [] };
  const wide = document.scrollingElement.scrollWidth;
  if (wide > innerWidth) found.overflow.push(wide + " of " + innerWidth + " pixels");
  for (const figure of document.querySelectorAll("figure")) {
    const svg = figure.querySelector(":scope > svg");
    found.figures.push(figure.id);
    if (!figure.querySelector("table tbody tr")) found.tables.push(figure.id);
    if (!svg) continue;
    const edge = svg.getBoundingClientRect();
    const boxes = [...svg.querySelectorAll("text")].map((t) => [t.textContent, t.getBoundingClientRect()]);
    boxes.forEach(([text, a], i) => {
      if (a.left < edge.left - 1 || a.right > edge.right + 1 || a.top < edge.top - 1 || a.bottom > edge.bottom + 1)
        found.texts.push(figure.id + ": " + text + " leaves the plot");
      for (const [other, b] of boxes.slice(i + 1)) {
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (across > 1 && down > 3) found.texts.push(figure.id + ": " + text + " covers " + other);
      }
    });
  }
  return found;
};

(async () => {
  const [file, executablePath, shots] = process.argv.slice(2);
  const browser = await chromium.launch({
    executablePath,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const url = pathToFileURL(path.resolve(file)).href;
  const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
  const result = { problems: [], requests: [], figures: [] };
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [400, 1600]) {
      const at = colorScheme + ", " + width + " pixels: ";
      const page = await browser.newPage({ viewport: { width, height: 1000 }, colorScheme });
      page.on("console", (m) => result.problems.push(at + m.type() + ": " + m.text()));
      page.on("pageerror", (e) => result.problems.push(at + e.message));
      page.on("request", (r) => r.url() !== url && !r.url().startsWith("data:") && result.requests.push(r.url()));
      await page.goto(url);
      if (shots) await page.screenshot({ path: path.join(shots, colorScheme + "-" + width + ".png"), fullPage: true });
      const found = await page.evaluate(inspect);
      result.figures = found.figures;
      for (const kind of ["overflow", "texts", "tables"]) for (const what of found[kind]) result.problems.push(at + kind + ": " + what);
      if (colorScheme === "light" && width === 1600) Object.assign(result, await page.evaluate(exercise));
      if (width > 400) await accessible(page, at);
      await page.close();
    }
  }
  await browser.close();
  console.log(JSON.stringify(result));

  async function accessible(page, at) {
    // The policy of the page forbids scripts of others, and evaluate is not one of the page.
    await page.evaluate(axe);
    const violations = await page.evaluate(async () => {
      document.querySelectorAll("details").forEach((d) => (d.open = true));
      const { violations } = await axe.run();
      return violations.map((v) => v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 120)).join(" | "));
    });
    for (const v of violations) result.problems.push(at + "axe: " + v);
  }
})().catch((e) => {
  console.error(e);
  process.exit(1);
});

// Selects a player by the keyboard's controls and by a click, and says what the page shows then.
function exercise() {
  const picker = document.querySelector(".picker");
  if (!picker) return {};
  const { gate, index } = picker.elements;
  const said = () => picker.querySelector("output").textContent;
  const marked = () => [...document.querySelectorAll(".selected")].map((e) => e.tagName.toLowerCase());
  index.value = 1;
  index.dispatchEvent(new Event("change"));
  const chosen = { said: said(), marked: marked() };
  gate.value = gate.options.length - 1;
  gate.dispatchEvent(new Event("change"));
  const mark = document.querySelector("circle[data-player], path[data-player]");
  if (mark) mark.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  return { chosen, clicked: mark ? { player: mark.dataset.player, said: said(), marked: marked() } : null };
}
