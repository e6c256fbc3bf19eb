"use strict";
// One trace is drawn at a time; the others stay inert JSON until the reader comes to them.
{
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

  const index = data("index");
  const keys = index.map((entry, k) => {
    const twins = index.slice(0, k).filter((other) => other.id === entry.id).length;
    return twins ? `${entry.id}~${twins + 1}` : entry.id;
  });
  let matches = index.map((_, k) => k);
  let current = -1;
  let steps = []; // of the current trace: {data, card, tag, group, regions: [{box, rect, label}]}
  let chosen = null; // step that has the focus or was tapped
  let hovered = null;

  // ---- drawing one trace ----

  function show(k) {
    if (k === current || !(k in index)) return;
    current = k;
    const { trace, film, images } = data(`trace-${k}`);
    const inside = $("reading").contains(document.activeElement) || $("tags").contains(document.activeElement);
    $("study").textContent = trace.study_id;
    drawFilm(trace, film);
    drawSteps(trace, images);
    $("report").replaceChildren(...reportOf(trace));
    $("provenance").lastElementChild.replaceChildren(provenanceOf(trace));
    document.title = `${trace.study_id} · ${$("title").textContent}`;
    if (fromHash() !== k) location.replace(`#${encodeURIComponent(keys[k])}`);
    scrollTo(0, 0);
    if (inside) $("study").focus({ preventScroll: true });
    place();
  }

  function drawFilm(trace, film) {
    const { view } = trace;
    const picture = $("picture");
    const shape = (aspect) => document.documentElement.style.setProperty("--aspect", aspect);
    const known = view.width && view.height;
    picture.onload = () => known || shape(picture.naturalWidth / picture.naturalHeight);
    if (known) shape(view.width / view.height);
    picture.src = film;
    const projection = view.projection === "unknown" ? "projection unknown" : view.projection;
    picture.alt = `Chest film, ${projection}, of study ${trace.study_id}`;
    $("view").textContent = [projection, view.id, known ? `${view.width} × ${view.height}` : null].filter(Boolean).join("  ·  ");
  }

  function drawSteps(trace, images) {
    chosen = hovered = null;
    steps = trace.steps.map((step, k) => ({ data: step, regions: [], number: k + 1 }));
    for (const step of steps) {
      step.card = cardOf(step, images[step.number - 1]);
      if (step.data.box) drawBoxes(step);
    }
    $("steps").replaceChildren(...steps.map((step) => step.card));
    $("boxes").replaceChildren(...steps.flatMap((step) => step.group ?? []));
    $("tags").replaceChildren(...steps.flatMap((step) => step.tag ?? []));
    light();
  }

  function rect([x1, y1, x2, y2], name) {
    return el("rect", { class: name, x: x1, y: y1, width: x2 - x1, height: y2 - y1 });
  }
  const corners = (box) => [box.x1, box.y1, box.x2, box.y2];

  function drawBoxes(step) {
    const box = corners(step.data.box);
    step.group = el("g", { class: "step", "data-domain": step.data.domain });
    for (const region of step.regions) {
      if (region.box) step.group.append((region.rect = rect(region.box, "region")));
    }
    step.group.append(rect(box, "hull"));
    const near = steps.filter(({ tag, data: { box: other } }) => tag && Math.hypot(other.x1 - box[0], other.y1 - box[1]) < 0.08).length;
    step.tag = el("button", { class: "tag", type: "button", "data-domain": step.data.domain, "aria-label": `Box of step ${step.number}, ${NAMES[step.data.domain]}` }, String(step.number));
    step.tag.style.left = `calc(${box[0] * 100}% + ${near * 1.6}rem)`;
    step.tag.style.top = `${box[1] * 100}%`;
    step.tag.addEventListener("focus", () => choose(step));
    step.tag.addEventListener("click", () => choose(step, true));
  }

  function cardOf(step, image) {
    const { domain, rationale, findings, regions, box } = step.data;
    const name = NAMES[domain];
    step.regions = regions.map((region) => {
      const label = el("li", { class: region.box ? null : "nowhere", title: region.box ? `box: ${region.origin}` : "not located" }, region.name);
      const entry = { name: region.name, box: region.box && corners(region.box), label };
      label.addEventListener("pointerenter", () => lightRegions(step, [entry]));
      label.addEventListener("pointerleave", () => lightRegions(step, []));
      return entry;
    });
    const words = el("p", { class: "words" }, ...marked(rationale, findings));
    const chips = grouped(findings).map((group) => chipOf(step, group, words));
    const alt = `Localized image of step ${step.number}: ${regions.map((region) => region.name).join(", ") || name}`;
    const generated = step.data.image?.kind === "generated" ? el("small", null, "generated by a model") : null;
    const picture = image ? el("div", { class: "picture" }, el("img", { src: image, alt }), generated) : null;
    const card = el(
      "li",
      { class: "card", tabindex: "0", "data-domain": domain, "aria-label": `Step ${step.number} of ${steps.length}, ${name}` },
      el("span", { class: "node", "aria-hidden": "true" }, String(step.number)),
      el("h2", null, name),
      regions.length ? el("ul", { class: "regions", "aria-label": "Regions" }, ...step.regions.map((region) => region.label)) : null,
      box ? null : el("p", { class: "regions" }, "no place on the film"),
      el("div", { class: image ? "look" : "look placeless" }, picture, words, chips.length ? el("ul", { class: "chips", "aria-label": "Findings" }, ...chips) : null),
    );
    card.addEventListener("pointermove", (event) => moved(event) && hover(step));
    card.addEventListener("pointerleave", () => hover(null));
    card.addEventListener("focus", () => choose(step));
    card.addEventListener("click", () => choose(step));
    return card;
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

  function chipOf(step, { finding, numbers, regions }, words) {
    const mentions = numbers.length > 1 ? `${numbers.length} mentions` : null;
    const details = [finding.status, finding.severity, finding.laterality, finding.change, mentions].filter(Boolean).join(", ");
    const chip = el("li", { class: "chip", "data-status": finding.status }, el("b", null, el("i", { "aria-hidden": "true" }), finding.label), el("span", null, details));
    const marks = [...words.querySelectorAll("mark")].filter((mark) => mark.dataset.findings.split(" ").some((k) => numbers.includes(k)));
    const lit = (on) => {
      for (const node of [chip, ...marks]) node.classList.toggle("lit", on);
      lightRegions(step, on ? step.regions.filter((region) => regions.includes(region.name)) : []);
    };
    for (const node of [chip, ...marks]) {
      node.addEventListener("pointerenter", () => lit(true));
      node.addEventListener("pointerleave", () => lit(false));
    }
    return chip;
  }

  function reportOf({ report, answer }) {
    const part = (name, text, style) => el("div", { class: style }, el("h3", null, name), el("p", { class: text ? null : "none" }, text || "not given"));
    const parts = [el("h2", null, answer === null ? "Report" : "Answer")];
    if (answer !== null) parts.push(el("p", { class: "main" }, answer));
    if (report) {
      parts.push(part("Findings", report.findings), part("Impression", report.impression, "main"));
      parts.push(el("div", { class: "aside" }, part("Indication", report.indication), part("Comparison", report.comparison), report.technique ? part("Technique", report.technique) : null));
    } else if (answer === null) parts.push(el("p", { class: "none" }, "This trace has no report."));
    return parts;
  }

  function provenanceOf({ provenance, view, steps: all }) {
    const boxes = new Map();
    for (const { origin } of all.flatMap((step) => step.regions.filter((region) => region.box))) boxes.set(origin, (boxes.get(origin) ?? 0) + 1);
    const rows = provenance.map(({ name, version, detail }) => [name, version, detail]);
    if (boxes.size) rows.push(["boxes", "", [...boxes].map(([origin, count]) => `${count} from ${origin}`).join(", ")]);
    if (view.sha256) rows.push(["film", "sha256", view.sha256]);
    if (!rows.length) return el("p", null, "Nothing is recorded.");
    const cells = rows.map(([name, ...rest]) => el("tr", null, el("th", { scope: "row" }, name), ...rest.map((text) => el("td", null, text))));
    return el("table", null, el("tbody", null, ...cells));
  }

  // ---- words and boxes point at each other ----

  let mouse = "";

  /** Whether a hand moved the mouse: no finger, and not the page scrolling under a mouse at rest. */
  function moved(event) {
    const before = mouse;
    mouse = `${event.clientX} ${event.clientY}`;
    return event.pointerType === "mouse" && mouse !== before;
  }

  const hover = (step) => {
    if (step === hovered) return;
    hovered = step;
    light();
  };

  /** Make a step the chosen one; `go`: bring its words into view as well. */
  function choose(step, go = false) {
    chosen = step;
    hovered = null;
    light();
    if (go && step) {
      step.card.focus({ preventScroll: true });
      step.card.scrollIntoView({ block: "nearest" });
    }
  }

  function light() {
    const active = hovered ?? chosen;
    for (const step of steps) {
      for (const node of [step.card, step.tag, step.group]) node?.classList.toggle("active", step === active);
    }
    $("overlay").classList.toggle("chosen", Boolean(active?.data.box));
  }

  function lightRegions(step, regions) {
    for (const region of step.regions) {
      region.rect?.classList.toggle("lit", regions.includes(region));
      region.label.classList.toggle("lit", regions.includes(region));
    }
    for (const name of document.querySelectorAll(".name")) name.remove();
    for (const { name, box, rect: lit } of regions.filter((region) => region.box)) {
      if (lit) step.group.append(lit); // above the lines that it shares with others
      const label = el("span", { class: "name" }, name);
      label.style.left = `${box[0] * 100}%`;
      label.style.top = `${Math.max(box[1], 0.03) * 100}%`;
      $("tags").append(label);
    }
  }

  /** The smallest box under the pointer speaks: a region's or a step's. */
  function point(event) {
    const frame = $("stage").getBoundingClientRect();
    const x = (event.clientX - frame.left) / frame.width;
    const y = (event.clientY - frame.top) / frame.height;
    const under = steps
      .flatMap((step) => [{ step, box: step.data.box && corners(step.data.box) }, ...step.regions.map((region) => ({ step, region, box: region.box }))])
      .filter(({ box }) => box && box[0] <= x && x <= box[2] && box[1] <= y && y <= box[3])
      .sort(({ box: a }, { box: b }) => (a[2] - a[0]) * (a[3] - a[1]) - (b[2] - b[0]) * (b[3] - b[1]));
    return under[0] ?? null;
  }

  function overFilm(event) {
    const found = $("overlay").classList.contains("off") ? null : point(event);
    for (const step of steps) lightRegions(step, []);
    if (found?.region) lightRegions(found.step, [found.region]);
    return found?.step ?? null;
  }
  $("stage").addEventListener("pointermove", (event) => moved(event) && hover(overFilm(event)));
  $("stage").addEventListener("pointerleave", () => {
    for (const step of steps) lightRegions(step, []);
    hover(null);
  });
  $("stage").addEventListener("click", (event) => event.target.closest(".tag") ?? choose(overFilm(event), true));

  // ---- going about ----

  function place() {
    const at = matches.indexOf(current);
    const of = $("filter").value.trim() ? `${matches.length} found` : `${matches.length}`;
    $("position").textContent = index.length ? `${at + 1 || "–"} / ${of}` : "";
    $("previous").disabled = at <= 0;
    $("next").disabled = at >= matches.length - 1;
    $("live").textContent = at < 0 ? $("empty").textContent : `Trace ${at + 1} of ${of}: study ${keys[current]}`;
  }

  function go(by) {
    const to = matches[matches.indexOf(current) + by];
    if (to !== undefined) show(to);
  }

  function goStep(by) {
    const at = chosen ? steps.indexOf(chosen) + by : by > 0 ? 0 : steps.length - 1;
    if (steps[at]) choose(steps[at], true);
  }

  /** Every word must stand in the id or in one finding that is not absent, unless "absent" is asked for. */
  function fits({ id, findings }, query) {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const lines = findings.filter(([, status]) => status !== "absent" || words.includes("absent")).map((finding) => finding.join(" "));
    return [id, ...lines].some((line) => words.every((word) => line.toLowerCase().includes(word)));
  }

  function filter() {
    const query = $("filter").value;
    matches = index.flatMap((entry, k) => (fits(entry, query) ? [k] : []));
    $("empty").textContent = index.length ? `No trace matches “${query.trim()}”.` : "There are no traces on this page.";
    $("empty").hidden = matches.length > 0;
    $("film").hidden = $("reading").hidden = matches.length === 0;
    if (matches.length && !matches.includes(current)) show(matches[0]);
    place();
  }

  function toggle() {
    const off = $("overlay").classList.toggle("off");
    $("toggle").setAttribute("aria-pressed", String(!off));
  }

  const help = () => $("keys").showModal();
  const letGo = () => {
    if (document.activeElement?.closest(".card, .tag")) document.activeElement.blur();
    choose(null);
  };
  const COMMANDS = {
    j: () => go(1),
    k: () => go(-1),
    ArrowRight: () => go(1),
    ArrowLeft: () => go(-1),
    n: () => goStep(1),
    p: () => goStep(-1),
    b: toggle,
    "/": () => $("filter").select(),
    "?": help,
    Escape: letGo,
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
    if (event.target === $("filter")) {
      if (event.key === "Enter" || event.key === "Escape") {
        if (event.key === "Escape") $("filter").value = "";
        filter();
        $("filter").blur();
      }
      return;
    }
    const step = /^[1-9]$/.test(event.key) ? steps[Number(event.key) - 1] : undefined;
    const command = step ? () => choose(step, true) : COMMANDS[event.key];
    if (!command) return;
    event.preventDefault();
    command();
  });
  $("previous").addEventListener("click", () => go(-1));
  $("next").addEventListener("click", () => go(1));
  $("toggle").addEventListener("click", toggle);
  $("help").addEventListener("click", help);
  $("filter").addEventListener("input", filter);
  const fromHash = () => {
    let asked = location.hash.slice(1);
    try {
      asked = decodeURIComponent(asked);
    } catch {
      return -1; // a stray % in a hand-written link
    }
    return keys.indexOf(asked);
  };
  addEventListener("hashchange", () => fromHash() >= 0 && show(fromHash()));

  $("legend").append(...Object.entries(NAMES).map(([domain, name]) => el("li", { "data-domain": domain }, name)));
  const labels = new Set(index.flatMap((entry) => entry.findings.map(([label]) => label)));
  $("labels").append(...[...labels].sort().map((label) => el("option", { value: label })));
  show(Math.max(0, fromHash()));
  filter();
}
