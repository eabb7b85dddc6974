// axe.js PAGE: runs axe-core over a report in Debian's Chromium, at two widths, light and dark; by hand,
// since ./test needs no package from npm:  npm install puppeteer-core axe-core  in a directory of its own,
// then  NODE_PATH=DIR/node_modules node tests/lab/axe.js report.html.  Ends 1 when anything is violated.
const puppeteer = require("puppeteer-core");
const axe = require("axe-core");
const path = require("path");
const { pathToFileURL } = require("url");

async function main(file) {
  const browser = await puppeteer.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  let violations = 0;
  for (const width of [400, 1280])
    for (const scheme of ["light", "dark"]) {
      const page = await browser.newPage();
      await page.setBypassCSP(true); // only to bring axe in
      await page.setViewport({ width, height: 900 });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await page.goto(pathToFileURL(path.resolve(file)).href);
      await page.evaluate(axe.source);
      const found = await page.evaluate(() => axe.run(document));
      console.log(`${width} ${scheme}: ${found.passes.length} rules passed, ${found.violations.length} violated,` +
                  ` ${found.incomplete.length} undecided`);
      for (const rule of [...found.violations, ...found.incomplete])
        console.log(`  ${found.violations.includes(rule) ? "VIOLATED" : "undecided"} ${rule.id}: ${rule.help};` +
                    ` ${rule.nodes.length} x ${rule.nodes[0].html.slice(0, 160)}`);
      violations += found.violations.length;
      await page.close();
    }
  await browser.close();
  return violations ? 1 : 0;
}

main(process.argv[2]).then(code => process.exit(code));
