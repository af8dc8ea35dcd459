// Takes a picture of the first screen of a report. Arguments: the report, the program of
// Chromium, and the picture.
const path = require("path");
const { pathToFileURL } = require("url");
const { chromium } = require("playwright-core");

(async () => {
  const [file, executablePath, picture] = process.argv.slice(2);
  const browser = await chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu"] });
  const page = await browser.newPage({ viewport: { width: 1320, height: 1100 }, colorScheme: "light" });
  await page.goto(pathToFileURL(path.resolve(file)).href);
  await page.screenshot({ path: picture, type: "jpeg", quality: 60 });
  await browser.close();
})().catch((e) => {
  console.error(e);
  process.exit(1);
});
