"use strict";
// What every page of traces draws with.
const $ = (id) => document.getElementById(id);
const data = (id) => JSON.parse($(id).textContent);
const SVG = "http://www.w3.org/2000/svg";
const NAMES = { mediastinal: "Mediastinum", lung: "Lungs", bone: "Bones", other: "Abdomen", general: "General" };
const RANK = ["present", "uncertain", "absent"];

/** An element; `props` are attributes, null ones left out; children are nodes or text, never HTML. */
function el(tag, props, ...children) {
  const node = tag === "rect" || tag === "g" ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** The words with a mark at each finding; spans count code points and may overlap. */
function marked(text, findings) {
  const points = Array.from(text);
  const spans = findings.map(({ span, status }, k) => span && { ...span, status, k }).filter(Boolean);
  const cuts = [...new Set([0, points.length, ...spans.flatMap(({ start, end }) => [start, end])])].sort((a, b) => a - b);
  return cuts.slice(1).map((end, i) => {
    const start = cuts[i];
    const over = spans.filter((span) => span.start <= start && end <= span.end);
    const piece = points.slice(start, end).join("");
    if (!over.length) return piece;
    const status = RANK.find((name) => over.some((span) => span.status === name));
    return el("mark", { "data-status": status, "data-findings": over.map((span) => span.k).join(" ") }, piece);
  });
}

/** Findings that say the same share a chip: [{finding, numbers, regions}]. */
function grouped(findings) {
  const groups = new Map();
  for (const [k, finding] of findings.entries()) {
    const key = JSON.stringify([finding.label, finding.status, finding.severity, finding.laterality, finding.change]);
    const group = groups.get(key) ?? { finding, numbers: [], regions: [] };
    group.numbers.push(String(k));
    group.regions.push(...finding.regions);
    groups.set(key, group);
  }
  return [...groups.values()];
}
