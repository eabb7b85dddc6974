"""Looks at a page in Debian's Chromium, headless, through its own command line.

    browser.py PAGE WIDTH [--dark] [--picture FILE]

A wrapper opens the page in a frame of that width, measures it, and leaves what it found in its own
document, which Chromium prints.  The page itself runs nothing: its policy forbids it.
"""

import argparse
import html
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

CHROMIUM = shutil.which("chromium")
SECONDS = 60

WRAPPER = """<!DOCTYPE html><meta name="color-scheme" content="light dark">
<style>body {{ margin: 0 }} iframe {{ border: 0; width: {width}px; height: {height}px }}</style>
<iframe src="{page}"></iframe><pre id="found"></pre>
<script>
const linear = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const luminance = c => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
const numbers = text => text.match(/[\\d.]+/g).map(Number);
function ratio(a, b) {{
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
}}
function ground(view, element) {{
  for (let e = element; e; e = e.parentElement) {{
    const svg = e.ownerSVGElement && e.previousElementSibling?.tagName === "rect" ? e.previousElementSibling : null;
    if (svg) return numbers(view.getComputedStyle(svg).fill);
    const c = numbers(view.getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] > 0) return c;
  }}
  return [255, 255, 255];
}}
const direct = e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
document.querySelector("iframe").addEventListener("load", event => {{
  const view = event.target.contentWindow, page = view.document, root = page.documentElement;
  const texts = [...page.body.querySelectorAll("*")].filter(e => direct(e) && e.getClientRects().length);
  let worst = [99, ""];
  for (const e of texts) {{
    const style = view.getComputedStyle(e);
    const r = ratio(numbers(e.ownerSVGElement ? style.fill : style.color), ground(view, e));
    if (r < worst[0]) worst = [r, e.outerHTML.slice(0, 120)];
  }}
  const rows = [...page.querySelectorAll("#timeline-table tbody tr")].map(row => [
    row.querySelector("time").dateTime, row.cells[3].textContent, row.cells[4].textContent,
    Number(row.querySelector("a").textContent.match(/\\d+/)[0])]);
  document.getElementById("found").textContent = JSON.stringify({{
    width: root.clientWidth, height: root.scrollHeight, overflow: root.scrollWidth - root.clientWidth,
    texts: texts.length, contrast: worst[0], faintest: worst[1], timeline: rows,
    background: view.getComputedStyle(page.body).backgroundColor,
    requests: view.performance.getEntriesByType("resource").map(r => r.name)}});
}});
</script>
"""


def chromium(profile, width, height, dark, *words):
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
               "--disable-web-security", "--allow-file-access-from-files", f"--user-data-dir={profile}/profile",
               f"--window-size={width},{height}", f"--blink-settings=preferredColorScheme={0 if dark else 1}"]
    return subprocess.run([*command, *words], capture_output=True, text=True, timeout=SECONDS, check=True).stdout


def look(page, width, dark, picture=None):
    """What a reader's browser makes of the page, as a dict; a picture of it, too, when asked for."""
    with tempfile.TemporaryDirectory(prefix="airlock-browser-") as place:
        wrapper = Path(place) / "wrapper.html"
        wrapper.write_text(WRAPPER.format(page=Path(page).resolve().as_uri(), width=width, height=1000))
        printed = chromium(place, 1400, 1100, dark, "--virtual-time-budget=10000", "--dump-dom", wrapper.as_uri())
        found = json.loads(html.unescape(re.search(r'<pre id="found">(.*?)</pre>', printed, re.S)[1]))
        if picture:
            height = found["height"]
            wrapper.write_text(WRAPPER.format(page=Path(page).resolve().as_uri(), width=width, height=height))
            chromium(place, width, height, dark, f"--screenshot={picture}", wrapper.as_uri())
    return found


def main():
    parser = argparse.ArgumentParser(prog="browser.py", description="Look at a report in Chromium.")
    parser.add_argument("page")
    parser.add_argument("width", type=int)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--picture", metavar="FILE")
    options = parser.parse_args()
    print(json.dumps(look(options.page, options.width, options.dark, options.picture), indent=1))


if __name__ == "__main__":
    main()
