// Opens a tuning report in headless Chromium, brushes axes of its parallel
// coordinates with the mouse, and takes a screenshot. No package is needed: it speaks
// the DevTools protocol over a pipe.
//
//   node reports/testdata/brush-screenshot.mjs out/report.html shot.png [axis=low..high ...] [--dark] [--width=1200]
//
// low and high are heights of the axis, 0 (bottom) to 1 (top); the default brushes the
// upper fifth of the first objective. Set CHROMIUM to name the browser. It fails when
// the brush changed nothing, or the page logged an error.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const words = process.argv.slice(2).filter((a) => !a.startsWith("--"));
const [page, shot, ...brushes] = words;
if (!shot) {
  console.error("usage: node brush-screenshot.mjs REPORT.html SHOT.png [axis=low..high ...] [--dark] [--width=1200]");
  process.exit(2);
}
const width = Number((process.argv.find((a) => a.startsWith("--width=")) || "--width=1200").slice(8));
const profile = mkdtempSync(join(tmpdir(), "brush-"));
const browser = spawn(process.env.CHROMIUM || "chromium", ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--user-data-dir=" + profile, "about:blank"],
  { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });

let next = 0, rest = "", session;
const waiting = new Map(), errors = [];
browser.stdio[4].on("data", (chunk) => {
  const parts = (rest + chunk).split("\0");
  rest = parts.pop();
  for (const part of parts) {
    const m = JSON.parse(part);
    if (m.method === "Runtime.exceptionThrown") errors.push(m.params.exceptionDetails.exception?.description || m.params.exceptionDetails.text);
    if (m.method === "Log.entryAdded" && m.params.entry.level === "error") errors.push(m.params.entry.text);
    if (waiting.has(m.id)) {
      const { done, fail } = waiting.get(m.id);
      waiting.delete(m.id);
      m.error ? fail(new Error(m.error.message)) : done(m.result);
    }
  }
});
const send = (method, params = {}) => new Promise((done, fail) => {
  waiting.set(++next, { done, fail });
  browser.stdio[3].write(JSON.stringify({ id: next, method, params, sessionId: session }) + "\0");
});
const evaluate = async (expression) => (await send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true })).result.value;
const frame = () => evaluate("new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))");

try {
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  session = (await send("Target.attachToTarget", { targetId, flatten: true })).sessionId;
  await send("Runtime.enable");
  await send("Log.enable");
  await send("Emulation.setDeviceMetricsOverride", { width, height: 900, deviceScaleFactor: 1, mobile: false });
  if (process.argv.includes("--dark")) await send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: "dark" }] });
  await send("Page.enable");
  await send("Page.navigate", { url: pathToFileURL(resolve(page)).href });
  for (let i = 0; i < 200 && (await evaluate("document.readyState")) !== "complete"; i++) await new Promise((r) => setTimeout(r, 25));
  await frame();
  const count = () => evaluate('document.getElementById("pc-count").textContent');
  const before = await count();
  const axes = JSON.parse(await evaluate('JSON.stringify(JSON.parse(document.getElementById("tuning-data").textContent).axes.map((a) => [a.name, a.kind]))'));
  const wanted = brushes.length ? brushes : [axes.find((a) => a[1] === "objective")[0] + "=0.8..1"];
  for (const brush of wanted) {
    const at = brush.lastIndexOf("="), k = axes.findIndex((a) => a[0] === brush.slice(0, at));
    if (k < 0) throw new Error(`no axis ${brush.slice(0, at)}: want one of ${axes.map((a) => a[0]).join(", ")}`);
    const [low, high] = brush.slice(at + 1).split("..").map(Number);
    const r = JSON.parse(await evaluate(`(() => { const g = document.querySelector('[data-axis="${k}"]'); g.scrollIntoView({ block: "center" }); const b = g.getBoundingClientRect(); return JSON.stringify({ x: b.x + b.width / 2, top: b.top + 6, bottom: b.bottom - 6 }) })()`));
    const y = (u) => r.bottom - u * (r.bottom - r.top);
    const mouse = (type, u) => send("Input.dispatchMouseEvent", { type, x: r.x, y: y(u), button: "left", buttons: 1, clickCount: 1 });
    await mouse("mousePressed", low);
    for (let i = 1; i <= 8; i++) await mouse("mouseMoved", low + ((high - low) * i) / 8);
    await mouse("mouseReleased", high);
    await frame();
  }
  const after = await count();
  if (after === before) throw new Error(`brushing ${wanted.join(", ")} left ${before}`);
  await evaluate("window.scrollTo(0, 0)");
  await frame();
  const size = (await send("Page.getLayoutMetrics")).cssContentSize;
  const clip = { x: 0, y: 0, width, height: Math.min(size.height, 1500), scale: 1 };
  writeFileSync(shot, Buffer.from((await send("Page.captureScreenshot", { format: "png", clip, captureBeyondViewport: true })).data, "base64"));
  if (errors.length) throw new Error("the page says: " + errors.join("; "));
  console.log(`${before} -> ${after}, after brushing ${wanted.join(", ")}: ${shot}`);
} catch (e) {
  console.error("brush-screenshot: " + e.message);
  process.exitCode = 1;
} finally {
  browser.kill();
  browser.on("exit", () => rmSync(profile, { recursive: true, force: true, maxRetries: 5 }));
}
