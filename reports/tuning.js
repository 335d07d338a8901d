"use strict";
// Brushes the axes of the parallel coordinates and draws the heat map of any two
// parameters. The page is complete without it.
(function () {
  const data = JSON.parse(document.getElementById("tuning-data").textContent);
  const at = (id) => document.getElementById(id);
  const axes = data.axes, points = data.points, n = axes.length;
  const svg = at("pc-axes"), canvas = at("pc-lines"), box = at("pc");
  const top = 34, bottom = 14, side = 64;
  const ranges = axes.map(() => null); // [low, high] of heights 0..1
  const make = (tag, attributes, parent, text) => {
    const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const k in attributes) e.setAttribute(k, attributes[k]);
    if (text !== undefined) e.textContent = text;
    parent.appendChild(e);
    return e;
  };
  const format = (a, x) => {
    if (x === null) return "n/a";
    if (a.levels) return a.levels[Math.round(x)] ?? "";
    if (a.format === "percent") return Number((100 * x).toPrecision(3)) + "%";
    if (a.format === "unit") return x.toFixed(3);
    if (a.format === "ns") return x < 999.5 ? x.toPrecision(3) + " ns" : (x / 1000).toPrecision(3) + " µs";
    return String(Number(x.toPrecision(4)));
  };
  for (const [k, a] of axes.entries()) {
    const xs = points.map((p) => p[k]).filter((x) => x !== null);
    a.lo = a.levels ? 0 : xs.reduce((m, x) => Math.min(m, x), Infinity);
    a.hi = a.levels ? a.levels.length - 1 : xs.reduce((m, x) => Math.max(m, x), -Infinity);
    const distinct = [...new Set(xs)];
    a.few = distinct.length <= 8 ? distinct : null;
    a.log = a.log && a.lo > 0;
    const f = a.log ? Math.log : (x) => x;
    a.height = (x) => {
      if (x === null) return null;
      if (!(a.hi > a.lo)) return 0.5;
      const u = (f(x) - f(a.lo)) / (f(a.hi) - f(a.lo));
      return a.better === "low" ? 1 - u : u;
    };
    a.value = (u) => {
      if (a.better === "low") u = 1 - u;
      return a.log ? a.lo * Math.pow(a.hi / a.lo, u) : a.lo + u * (a.hi - a.lo);
    };
  }
  const heights = points.map((p) => p.map((x, k) => axes[k].height(x)));
  const kept = () => heights.map((h) => ranges.every((r, k) => !r || (h[k] !== null && h[k] >= r[0] - 1e-9 && h[k] <= r[1] + 1e-9)));
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const mix = (a, b, u) => {
    const part = (c, i) => parseInt(c.slice(1 + 2 * i, 3 + 2 * i), 16);
    return "rgb(" + [0, 1, 2].map((i) => Math.round(part(a, i) + u * (part(b, i) - part(a, i)))).join(",") + ")";
  };
  const ramp = (u, tones) => (u < 0.5 ? mix(tones[0], tones[1], 2 * u) : mix(tones[1], tones[2], 2 * u - 1));

  // Ranks, so that one outlier does not take all of the colours.
  const ranks = axes.map((a, k) => {
    const by = heights.map((h, i) => i).filter((i) => heights[i][k] !== null).sort((i, j) => heights[i][k] - heights[j][k]);
    const rank = new Array(points.length).fill(0);
    by.forEach((i, r) => (rank[i] = r > 0 && heights[i][k] === heights[by[r - 1]][k] ? rank[by[r - 1]] : r / Math.max(1, by.length - 1)));
    return rank;
  });
  let width = 0, height = 0;
  const x = (k) => side / 2 + 20 + (k * (width - side - 70)) / Math.max(1, n - 1);
  const y = (u) => top + (1 - u) * (height - top - bottom);

  function lines(keep) {
    const scale = window.devicePixelRatio || 1;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const g = canvas.getContext("2d");
    g.scale(scale, scale);
    const tones = [css("red"), css("grey"), css("blue")];
    const rank = ranks[Number(at("pc-colour").value)];
    const shown = keep.reduce((m, k) => m + (k ? 1 : 0), 0);
    const draw = (i, style, alpha, w) => {
      g.strokeStyle = style;
      g.globalAlpha = alpha;
      g.lineWidth = w;
      g.beginPath();
      let pen = false;
      heights[i].forEach((h, k) => {
        if (h === null) pen = false;
        else if (pen) g.lineTo(x(k), y(h));
        else g.moveTo(x(k), y(h)), (pen = true);
      });
      g.stroke();
    };
    const faint = css("faint");
    if (shown < points.length) points.forEach((_, i) => keep[i] || draw(i, faint, 0.25, 0.7));
    const alpha = Math.max(0.06, Math.min(0.85, 12 / Math.sqrt(shown + 1)));
    for (let i = points.length - 1; i >= 0; i--) if (keep[i]) draw(i, ramp(rank[i], tones), alpha, 1.1);
    if (keep[data.chosen]) draw(data.chosen, css("ink"), 1, 2.4);
  }
  function marks() {
    svg.replaceChildren();
    axes.forEach((a, k) => {
      make("line", { class: "axis", x1: x(k), x2: x(k), y1: y(0), y2: y(1) }, svg);
      make("text", { class: "name halo", x: x(k), y: k % 2 && n > 7 ? 12 : 24 }, svg, a.name);
      const numbers = a.levels ? a.levels.map((_, i) => i) : a.few || [0, 0.25, 0.5, 0.75, 1].map(a.value);
      for (const v of numbers) {
        const h = y(a.height(v));
        make("line", { class: "tick", x1: x(k) - 3, x2: x(k) + 3, y1: h, y2: h }, svg);
        make("text", { class: "halo", x: x(k) + 6, y: h + 4 }, svg, format(a, v));
      }
      const r = ranges[k];
      if (r) make("rect", { class: "brush", x: x(k) - 9, width: 18, y: y(r[1]), height: Math.max(2, y(r[0]) - y(r[1])) }, svg);
      const grab = make("rect", { class: "grab", x: x(k) - 16, width: 32, y: top - 6, height: height - top - bottom + 12, tabindex: 0, role: "slider",
        "data-axis": k, "aria-label": a.name, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(100 * (r ? r[0] : 0)),
        "aria-valuetext": r ? "from " + format(a, a.value(r[0])) + " to " + format(a, a.value(r[1])) : "all" }, svg);
      if (focused === k) grab.focus();
    });
  }
  function table(keep) {
    const head = at("pc-table").tHead, body = at("pc-table").tBodies[0];
    head.replaceChildren(document.createElement("tr"));
    for (const a of axes) {
      const th = document.createElement("th");
      th.scope = "col";
      th.textContent = a.name;
      head.rows[0].appendChild(th);
    }
    body.replaceChildren();
    for (let i = 0, left = 12; i < points.length && left > 0; i++) {
      if (!keep[i]) continue;
      left--;
      const tr = body.insertRow();
      if (i === data.chosen) tr.className = "own";
      points[i].forEach((v, k) => (tr.insertCell().textContent = format(axes[k], v)));
    }
  }
  function heatmap(keep) {
    const hm = at("hm"), kx = Number(at("hm-x").value), ky = Number(at("hm-y").value);
    const objective = axes.findIndex((a) => a.kind === "objective");
    hm.replaceChildren();
    const bins = (k) => {
      const all = [...new Set(points.map((p) => p[k]))].sort((a, b) => a - b), m = Math.min(24, all.length);
      const of = new Map(all.map((v, i) => [v, Math.floor((i * m) / all.length)]));
      const label = new Array(m);
      all.forEach((v) => (label[of.get(v)] ??= format(axes[k], v)));
      return { of, label };
    };
    const bx = bins(kx), by = bins(ky), cells = new Map();
    points.forEach((p, i) => {
      const key = bx.of.get(p[kx]) + "," + by.of.get(p[ky]);
      if (keep[i] && heights[i][objective] !== null && !cells.has(key)) cells.set(key, i); // points come best first
    });
    const W = hm.clientWidth || 720, H = 340, left = 70, under = 26, tones = [css("red"), css("grey"), css("blue")];
    const best = [...cells.values()].map((i) => heights[i][objective]);
    const lo = Math.min(...best), hi = Math.max(...best);
    const w = (W - left) / bx.label.length, h = (H - under) / by.label.length;
    for (const [key, i] of cells) {
      const [cx, cy] = key.split(",").map(Number), u = hi > lo ? (heights[i][objective] - lo) / (hi - lo) : 1;
      const r = make("rect", { x: left + cx * w, y: H - under - (cy + 1) * h, width: w + 0.5, height: h + 0.5, fill: ramp(u, tones) }, hm);
      make("title", {}, r, axes[kx].name + " " + bx.label[cx] + ", " + axes[ky].name + " " + by.label[cy] + ": " + format(axes[objective], points[i][objective]));
      if (w > 46 && h > 14) make("text", { class: "v", x: left + (cx + 0.5) * w, y: H - under - (cy + 0.5) * h + 4 }, hm, format(axes[objective], points[i][objective]));
    }
    bx.label.forEach((l, i) => (w > 40 || i % Math.ceil(40 / w) === 0) && make("text", { class: "x", x: left + (i + 0.5) * w, y: H - 8 }, hm, l));
    by.label.forEach((l, i) => (h > 14 || i % Math.ceil(14 / h) === 0) && make("text", { class: "y", x: left - 8, y: H - under - (i + 0.5) * h + 4 }, hm, l));
  }
  let focused = -1, waiting = false;
  function show() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      width = box.clientWidth;
      height = box.clientHeight;
      svg.setAttribute("viewBox", "0 0 " + width + " " + height);
      const keep = kept();
      lines(keep);
      marks();
      table(keep);
      heatmap(keep);
      const shown = keep.filter(Boolean).length;
      at("pc-count").textContent = shown + " of " + points.length + " points" + (data.left ? " (" + data.left + " more in tune.json)" : "");
    });
  }
  // A drag on an axis: a new range, or, inside the old one, the range moves.
  let drag = null;
  const place = (e) => {
    const r = svg.getBoundingClientRect();
    return Math.max(0, Math.min(1, 1 - (e.clientY - r.top - top) / (height - top - bottom)));
  };
  svg.addEventListener("pointerdown", (e) => {
    const k = e.target.dataset ? e.target.dataset.axis : undefined;
    if (k === undefined) return;
    const u = place(e), old = ranges[k];
    drag = { k: Number(k), from: u, old: old && u >= old[0] && u <= old[1] ? old.slice() : null, moved: false };
    svg.setPointerCapture(e.pointerId);
    focused = -1;
    e.preventDefault();
  });
  svg.addEventListener("pointermove", (e) => {
    if (!drag) return;
    const u = place(e);
    if (Math.abs(u - drag.from) > 0.01) drag.moved = true;
    if (!drag.moved) return;
    if (drag.old) {
      const d = Math.max(-drag.old[0], Math.min(1 - drag.old[1], u - drag.from));
      ranges[drag.k] = [drag.old[0] + d, drag.old[1] + d];
    } else ranges[drag.k] = [Math.min(u, drag.from), Math.max(u, drag.from)];
    show();
  });
  svg.addEventListener("pointerup", () => {
    if (drag && !drag.moved) {
      ranges[drag.k] = null;
      show();
    }
    drag = null;
  });
  svg.addEventListener("keydown", (e) => {
    const k = Number(e.target.dataset.axis), step = { ArrowUp: 0.05, ArrowDown: -0.05 }[e.key];
    if (e.key === "Escape") ranges[k] = null;
    else if (step !== undefined) {
      const r = ranges[k] || [0, 1], end = e.shiftKey ? 1 : 0;
      r[end] = Math.max(0, Math.min(1, r[end] + step));
      ranges[k] = r[0] <= r[1] ? r : [r[1], r[0]];
    } else return;
    e.preventDefault();
    focused = k;
    show();
  });
  at("pc-clear").addEventListener("click", () => {
    ranges.fill(null);
    show();
  });
  const option = (select, k) => {
    const o = document.createElement("option");
    o.value = k;
    o.textContent = axes[k].name;
    select.appendChild(o);
  };
  axes.forEach((a, k) => {
    option(at("pc-colour"), k);
    if (a.kind === "parameter") option(at("hm-x"), k), option(at("hm-y"), k);
  });
  at("pc-colour").value = axes.findIndex((a) => a.kind === "objective");
  if (at("hm-y").options.length > 1) at("hm-y").selectedIndex = 1;
  for (const id of ["pc-colour", "hm-x", "hm-y"]) at(id).addEventListener("change", show);
  window.addEventListener("resize", show);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  at("explore").hidden = false;
  show();
})();
