"use strict";
// Moves the cut-off along a sampler's curve. The page is complete without it.
(function () {
  const data = JSON.parse(document.getElementById("curve-data").textContent);
  const box = document.getElementById("slider");
  if (!data || !data.length || !box) return;
  const at = (id) => document.getElementById(id);
  const pick = at("slider-sampler"), range = at("slider-range");
  const group = new Intl.NumberFormat("en-US");
  const unit = (v) => (Number.isFinite(v) ? v.toFixed(3) : "n/a");
  const percent = (v) => (Number.isFinite(v) ? (v === 0 ? "0" : String(Number((100 * v).toPrecision(3)))) + "%" : "n/a");

  data.forEach((s, i) => pick.add(new Option(s.name, String(i))));

  function show() {
    const s = data[Number(pick.value)], i = Number(range.value);
    const tp = s.tp[i], fp = s.fp[i], fn = s.positives - tp, tn = s.negatives - fp;
    const t = s.threshold[i];
    const note = i === s.deployed ? " (as deployed)" : i === s.best ? " (best on test)" : "";
    at("slider-cutoff").textContent = (t === null ? "beyond all scores" : String(Number(t.toPrecision(6)))) + note;
    range.setAttribute("aria-valuetext", at("slider-cutoff").textContent);
    const values = {
      tp: group.format(tp), fp: group.format(fp), fn: group.format(fn), tn: group.format(tn),
      recall: unit(tp / (tp + fn)), precision: unit(tp / (tp + fp)), f1: unit((2 * tp) / (2 * tp + fp + fn)),
      fpr: percent(fp / (fp + tn)), rate: percent((tp + fp) / (s.positives + s.negatives)),
    };
    for (const k in values) at("slider-" + k).textContent = values[k];
  }
  function choose() {
    const s = data[Number(pick.value)];
    range.max = String(s.tp.length - 1);
    range.value = String(s.deployed < 0 ? s.best : s.deployed);
    at("slider-deployed").disabled = s.deployed < 0;
    show();
  }
  pick.addEventListener("change", choose);
  range.addEventListener("input", show);
  at("slider-deployed").addEventListener("click", choose);
  at("slider-best").addEventListener("click", () => {
    range.value = String(data[Number(pick.value)].best);
    show();
  });
  box.hidden = false;
  choose();
})();
