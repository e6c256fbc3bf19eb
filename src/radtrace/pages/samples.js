// Two models sample by sample; one sample is drawn at a time.
{
  const { names, metrics, samples } = data("index");
  const SCORED = 2; // how many of the sides have scores
  const UNICODE_MINUS = "−";
  let order = []; // places of the samples, as the list stands
  let current = -1;

  const text = (value) => (value === null ? "–" : value.toFixed(3).replace("-", UNICODE_MINUS));
  const difference = ([a, b]) => (a === null || b === null ? null : b - a);
  const gain = (metric, gap) => (gap === null ? null : metrics[metric].lower ? -gap : gap);

  // ---- the list ----

  const ORDERS = {
    gap: (a, b) => Math.abs(b.gain) - Math.abs(a.gain),
    worse: (a, b) => a.gain - b.gain,
    better: (a, b) => b.gain - a.gain,
    first: (a, b) => a.scores[0] - b.scores[0],
    second: (a, b) => a.scores[1] - b.scores[1],
    id: () => 0,
  };

  /** The samples in the chosen order, those without the figures last, equal ones by id. */
  function sorted() {
    const metric = Number($("metric").value);
    const by = $("order").value;
    const lines = samples.map((sample, place) => {
      const scores = sample.scores[metric] ?? [null, null];
      return { place, id: sample.id, scores, gain: gain(metric, difference(scores)) };
    });
    const known = ({ scores, gain }) => (by === "id" ? true : by === "first" ? scores[0] !== null : by === "second" ? scores[1] !== null : gain !== null);
    const named = (a, b) => a.id.localeCompare(b.id, "en", { numeric: true });
    return lines.sort((a, b) => known(b) - known(a) || (known(a) && ORDERS[by](a, b)) || named(a, b)).map(({ place }) => place);
  }

  function fits(sample, words) {
    const line = [sample.id, ...Object.entries(sample.strata).flatMap(([key, values]) => values.map((value) => `${key} ${value}`))].join(" ");
    return words.every((word) => `${line} ${sample.failed.includes(true) ? "failed" : ""}`.toLowerCase().includes(word));
  }

  function differenceCell(metric, gap) {
    const good = gain(metric, gap);
    const sign = gap > 0 ? "+" : "";
    return el("td", { class: good > 0 ? "gain" : good < 0 ? "loss" : null }, sign + text(gap));
  }

  function listed(place) {
    const sample = samples[place];
    const metric = Number($("metric").value);
    const scores = sample.scores[metric] ?? [null, null];
    const failed = sample.failed.includes(true) ? el("span", { class: "failed" }, " failed") : null;
    const row = el(
      "tr",
      { "data-place": place },
      el("td", null, el("button", { type: "button" }, sample.id), failed),
      ...scores.map((score) => el("td", null, text(score))),
      differenceCell(metric, difference(scores)),
    );
    row.addEventListener("click", () => show(place));
    return row;
  }

  function list() {
    const words = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    order = sorted().filter((place) => fits(samples[place], words));
    $("rows").replaceChildren(...order.map(listed));
    $("empty").hidden = order.length > 0;
    $("empty").textContent = samples.length ? "No sample matches." : "There are no samples on this page.";
    $("film").hidden = $("reading").hidden = order.length === 0;
    if (order.length && !order.includes(current)) show(order[0]);
    mark();
  }

  function mark() {
    for (const row of $("rows").children) {
      const here = Number(row.dataset.place) === current;
      row.toggleAttribute("aria-current", here);
      if (here) row.setAttribute("aria-current", "true");
    }
    const at = order.indexOf(current);
    $("position").textContent = order.length ? `${at + 1} / ${order.length}` : "";
    $("previous").disabled = at <= 0;
    $("next").disabled = at < 0 || at >= order.length - 1;
    $("live").textContent = at < 0 ? $("empty").textContent : `Sample ${at + 1} of ${order.length}: ${samples[current].id}`;
  }

  // ---- one sample ----

  function show(place) {
    if (place === current) return;
    current = place;
    const { view, film, sides } = data(`sample-${place}`);
    const sample = samples[place];
    $("study").textContent = sample.id;
    $("strata").textContent = Object.entries(sample.strata).filter(([, values]) => values.length).map(([key, values]) => `${key}: ${values.join(", ")}`).join("  ·  ");
    drawFilm(view, film, sample.id);
    $("boxes").replaceChildren();
    $("sides").replaceChildren(...names.map((name, k) => sideOf(name, k, sides[k], sample)));
    for (const [k, toggle] of [...$("toggles").children].entries()) toggle.hidden = !sides[k]?.trace.steps.some(({ box }) => box);
    drawScores(sample);
    document.title = `${sample.id} · ${$("title").textContent}`;
    location.replace(`#${encodeURIComponent(sample.id)}`);
    mark();
  }

  function drawFilm(view, film, id) {
    const picture = $("picture");
    const shape = (aspect) => document.documentElement.style.setProperty("--aspect", aspect);
    const known = view.width && view.height;
    picture.onload = () => known || shape(picture.naturalWidth / picture.naturalHeight);
    if (known) shape(view.width / view.height);
    picture.src = film;
    picture.alt = `Chest film of sample ${id}`;
    $("view").textContent = view.projection === "unknown" ? "projection unknown" : view.projection;
  }

  function drawScores({ scores }) {
    const rows = metrics.map((metric, k) => {
      const pair = scores[k];
      const name = el("th", { scope: "row", title: metric.signature }, metric.name + (metric.lower ? "\u00a0↓" : ""));
      return el("tr", null, name, ...pair.map((score) => el("td", null, text(score))), differenceCell(k, difference(pair)));
    });
    $("score-rows").replaceChildren(...rows);
  }

  function sideOf(name, k, side, sample) {
    const section = el("section", { class: "side", "data-side": k, "aria-label": name }, el("h2", null, name));
    if (k < SCORED && sample.failed[k]) section.append(el("p", { class: "failed" }, "This model failed on this sample."));
    if (!side) {
      section.append(el("p", { class: "none" }, "It has no trace of this sample."));
      return section;
    }
    const { trace, images } = side;
    if (trace.steps.length) section.append(el("ol", { "aria-label": "Steps" }, ...trace.steps.map((step, n) => cardOf(step, n, images[n], k))));
    if (trace.answer !== null) section.append(el("h3", null, "Answer"), el("p", { class: "text" }, trace.answer));
    for (const part of ["findings", "impression"]) {
      if (trace.report?.[part]) section.append(el("h3", null, `Report: ${part}`), el("p", { class: "text" }, trace.report[part]));
    }
    return section;
  }

  function cardOf(step, n, image, k) {
    const regions = step.regions.map((region) => region.name).join(" · ");
    const chips = grouped(step.findings).map(({ finding }) => {
      const details = [finding.status, finding.severity, finding.laterality].filter(Boolean).join(", ");
      return el("li", { class: "chip", "data-status": finding.status }, el("b", null, el("i", { "aria-hidden": "true" }), finding.label), el("span", null, details));
    });
    const alt = `Localized image of step ${n + 1}: ${regions || NAMES[step.domain]}`;
    const card = el(
      "li",
      { class: "card", tabindex: step.box ? "0" : null, "data-side": k },
      el("span", { class: "node", "aria-hidden": "true" }, String(n + 1)),
      el("h3", null, NAMES[step.domain]),
      regions ? el("p", { class: "regions" }, regions) : null,
      image ? el("div", { class: "picture" }, el("img", { src: image, alt })) : null,
      el("p", { class: "words" }, ...marked(step.rationale, step.findings)),
      chips.length ? el("ul", { class: "chips", "aria-label": "Findings" }, ...chips) : null,
    );
    if (step.box) link(card, step.box, k);
    return card;
  }

  /** A step and its box light each other. */
  function link(card, { x1, y1, x2, y2 }, k) {
    const group = el("g", { class: "step", "data-side": k }, el("rect", { class: "hull", x: x1, y: y1, width: x2 - x1, height: y2 - y1 }));
    const lit = (on) => {
      for (const node of [card, group]) node.classList.toggle("active", on);
      $("overlay").classList.toggle("chosen", on);
    };
    for (const [begin, end] of [["pointerenter", "pointerleave"], ["focus", "blur"]]) {
      card.addEventListener(begin, () => lit(true));
      card.addEventListener(end, () => lit(false));
    }
    $("boxes").append(group);
  }

  // ---- going about ----

  function go(by) {
    const to = order[order.indexOf(current) + by];
    if (to === undefined) return;
    show(to);
    $("rows").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  function head() {
    const titles = names.slice(0, SCORED).map((name, k) => el("th", { scope: "col", "data-side": k, title: name }, name));
    const last = () => el("th", { scope: "col", title: `${names[1]} ${UNICODE_MINUS} ${names[0]}`, "aria-label": "difference" }, "Δ");
    $("headings").replaceChildren(el("th", { scope: "col" }, "sample"), ...titles, last());
    $("score-headings").replaceChildren(el("th", { scope: "col" }, "score"), ...titles.map((title) => title.cloneNode(true)), last());
    $("metric").append(...metrics.map(({ name }, k) => el("option", { value: k }, name)));
    for (const option of $("order").options) {
      option.textContent = option.textContent.replace("first model", names[0]).replace("second model", names[1]);
    }
    $("toggles").append(...names.map(toggleOf));
  }

  function toggleOf(name, k) {
    const button = el("button", { type: "button", "aria-pressed": "true", "data-side": k, title: `Boxes of ${name}` }, name);
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") === "false";
      button.setAttribute("aria-pressed", String(on));
      document.documentElement.classList.toggle(`hide-${k}`, !on);
    });
    return button;
  }

  const COMMANDS = {
    j: () => go(1),
    k: () => go(-1),
    ArrowRight: () => go(1),
    ArrowLeft: () => go(-1),
    "/": () => $("filter").select(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select")) {
      if (event.target === $("filter") && ["Enter", "Escape"].includes(event.key)) {
        if (event.key === "Escape") $("filter").value = "";
        list();
        $("filter").blur();
      }
      return;
    }
    if (!COMMANDS[event.key]) return;
    event.preventDefault();
    COMMANDS[event.key]();
  });
  $("previous").addEventListener("click", () => go(-1));
  $("next").addEventListener("click", () => go(1));
  for (const name of ["metric", "order"]) $(name).addEventListener("change", list);
  $("filter").addEventListener("input", list);

  /** The sample that the address names; -1 where there is none. */
  function fromHash() {
    try {
      const asked = decodeURIComponent(location.hash.slice(1));
      return samples.findIndex(({ id }) => id === asked);
    } catch {
      return -1; // a stray % in a hand-written link
    }
  }
  addEventListener("hashchange", () => fromHash() >= 0 && show(fromHash()));

  head();
  const asked = fromHash();
  if (asked >= 0) show(asked);
  list();
}
