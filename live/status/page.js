"use strict";
const $ = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const ms = (ns) => (ns > 0 ? number.format(ns / 1e6) : "–");

// Everything is set as text: names in here come from traces.
function element(tag, text, cls) {
  const e = document.createElement(tag);
  e.textContent = text;
  if (cls) e.className = cls;
  return e;
}
function rows(id, list) {
  $(id).tBodies[0].replaceChildren(...list.map((cells) => {
    const tr = document.createElement("tr");
    tr.append(...cells.map(([text, cls]) => element("td", text, cls)));
    return tr;
  }));
}
function what(d) {
  const t = d.target, name = t.name ? [t.kind, t.namespace, t.name].filter(Boolean).join("/") : "service " + d.service;
  if (d.direction === "hold") return name + " stays" + (d.reason ? " (" + d.reason + ")" : "");
  return d.kind === "horizontal" ? `${name} ${d.direction} ${d.from} → ${d.to}` : `${name} ${d.direction} ${d.kind}`;
}
function why(w) {
  const parts = [w.rule + ": " + w.condition];
  if (w.count) parts.push(w.need ? `${number.format(w.count)} spans (${w.need} needed)` : `${number.format(w.count)} spans`);
  if (w.blame) parts.push("blame " + w.blame.service);
  if (w.notes) parts.push(...w.notes);
  return parts.join("; ");
}
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
// What is said again at every tick, a dry run say, is one row: the newest, and how often.
const shown = 20;
function decided(list, none) {
  if (!list || !list.length) return [[[""], [""], [none, "soft"], [""]]];
  const rest = list.length > shown ? [[[""], [""], [`${list.length - shown} earlier ones are in /api/status`, "soft"], [""]]] : [];
  return list.slice(0, shown).map((d) => [[clock.format(new Date(d.at / 1e6)), "k"], [d.outcome + (d.times > 1 ? ` ×${number.format(d.times)}` : ""), "k"], [what(d)], [(d.error ? d.error + "; " : "") + why(d.why)]]).concat(rest);
}
function show(v) {
  const badges = [
    [v.mode === "acting" ? (v.leading ? "acting" : "standby: another replica acts") : "dry run: nothing is changed", v.mode === "acting" && v.leading ? "good" : ""],
    [v.ready ? "ready" : "not ready: no model yet", v.ready ? "good" : "warn"],
  ];
  if (v.silent) badges.push(["silent: no telemetry, every action is held", "warn"]);
  if (v.draining) badges.push(["draining", "warn"]);
  if (v.reloads.bad) badges.push([`${v.reloads.bad} rule files with errors were not taken`, "warn"]);
  $("badges").replaceChildren(...badges.map(([text, cls]) => element("span", text, "badge " + cls)));
  $("problems").replaceChildren(...(v.problems || []).map((p) => element("li", p)));
  let model = "Model: " + v.model;
  if (v.trained) model += `, ${number.format((Date.now() - Date.parse(v.trained.at)) / 6e4)} minutes old, from ${v.trained.source}: ${number.format(v.trained.spans)} spans of ${v.trained.calls} calls`;
  $("model").textContent = model + ". Updated " + clock.format(new Date(v.at)) + ".";
  const r = v.receiver, c = v.counters;
  $("counters").replaceChildren(...[["acknowledged", r.spans], ["sampled", r.sampled], ["ordinary", r.passed], ["while warming up", r.warm_up], ["late, early, twice or backwards", r.late + r.future + r.duplicate + r.negative],
    ["rejected", r.rejected], ["exports told to come again", r.full + r.bytes + r.memory + r.draining], ["over a rule's threshold", c.breaches]].map(([k, n]) => {
    const tile = document.createElement("div");
    tile.append(element("dt", k), element("dd", number.format(n)));
    return tile;
  }));
  rows("actions", decided(v.actions, v.mode === "acting" ? "none yet" : "none: this is a dry run"));
  rows("decisions", decided(v.decisions, "none yet"));
  rows("calls", (v.calls || []).map((x) => [[x.call], [number.format(x.count), "n"], [number.format(x.sampled), "n"], [number.format(x.rate), "n"], [ms(x.scale), "n"], [ms(x.threshold), "n"], [ms(x.p50), "n"], [ms(x.p99), "n"]]));
}
async function refresh() {
  try {
    const answer = await fetch("/api/status", { cache: "no-store" });
    show(await answer.json());
  } catch (e) {
    $("badges").replaceChildren(element("span", "no answer from the process: " + e.message, "badge warn"));
  }
  setTimeout(refresh, 2000);
}
refresh();
