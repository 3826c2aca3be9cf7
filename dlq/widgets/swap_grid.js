// SwapGrid: a table of swaps, the chosen one enlarged beside the exact one, and walks; every picture is in the atlas.

const WIDE = 192; // least pixels of an enlarged picture

function render({ model, el }) {
  const sources = model.get("sources"), targets = model.get("targets"), [height, width] = model.get("shape");
  const exact = model.get("exact"), walks = model.get("walks"), tag = model.get("tag");
  const S = sources.length, K = targets.length, factor = Math.ceil(WIDE / width), uid = newId();
  const say = makeWording(model), root = makeRoot("dlq-swaps"), status = makeStatus(), note = make("div", "dlq-note");
  let sheet = null, place = [...model.get("chosen")], peeking = false;

  // Where each picture is in the atlas.
  const tileOf = { source: (i) => i, target: (j) => S + j, swap: (i, j) => S + K + i * K + j, exact: (i, j) => S + K + S * K + i * K + j };
  const other = (i, j) => (exact ? tileOf.exact(i, j) : tileOf.target(j));
  function data(k) {
    const { columns } = model.get("atlas");
    return sheet.getImageData((k % columns) * width, Math.floor(k / columns) * height, width, height);
  }
  const between = (k, l) => differenceOf(data(k), data(l)), distance = (k, l) => distanceOf(data(k), data(l));
  const paint = (canvas, pixels, marked) => drawPixels(canvas, pixels, marked ? tag : "");
  function blank(scale, label) {
    const canvas = make("canvas");
    canvas.width = scale * width; canvas.height = scale * height;
    if (label) { canvas.setAttribute("role", "img"); canvas.setAttribute("aria-label", label); }
    return canvas;
  }
  // The table: one stop of the Tab key, arrows move inside it.
  const left = make("section", "dlq-left"), table = make("table"), head = make("tr"), tools = make("div", "dlq-buttons");
  const caption = make("p", "dlq-small", say("caption"));
  const mark = make("span", "dlq-tag", tag), toggle = makeButton(say("differences"), () => set("difference", !model.get("difference")));
  caption.id = uid + "-caption";
  table.setAttribute("aria-labelledby", caption.id);
  const heads = targets.map((name) => header(name, "col")), corner = make("td");
  head.append(corner, ...heads.map(({ th }) => th));
  table.append(head);
  const rows = sources.map((name, i) => {
    const row = make("tr"), first = header(name, "row");
    row.append(first.th);
    table.append(row);
    return { first, cells: targets.map((_, j) => {
      const td = make("td"), canvas = blank(1), button = makeButton("", () => choose(i, j));
      button.append(canvas);
      button.addEventListener("keydown", (event) => step(event, i, j));
      td.append(button);
      row.append(td);
      return { button, canvas };
    }) };
  });
  function header(name, scope) {
    const th = make("th"), canvas = blank(1), text = make("span", "dlq-name", name);
    th.scope = scope;
    th.title = name;
    canvas.setAttribute("aria-hidden", "true");
    th.append(canvas, text);
    return { th, canvas };
  }
  tools.append(toggle);
  const scroll = make("div", "dlq-scroll");
  scroll.append(table);
  left.append(...(tag ? [mark] : []), caption, scroll, tools);

  // The chosen one, enlarged.
  const right = make("section", "dlq-right"), title = make("h2"), large = make("div", "dlq-large");
  const source = figure(say("source"), large), target = figure(say("target"), large), swap = blank(factor), peek = makeButton("", () => set("difference", !model.get("difference")));
  const swapFigure = make("figure"), swapCaption = make("figcaption", "", say("swap"));
  peek.className = "dlq-peek";
  peek.append(swap);
  swapFigure.append(peek, swapCaption);
  large.append(swapFigure);
  const truth = exact ? figure(say("exact"), large) : null;
  for (const [event, on] of [["pointerenter", true], ["focus", true], ["pointerleave", false], ["blur", false]])
    peek.addEventListener(event, () => { peeking = on && (event !== "focus" || peek.matches(":focus-visible")); drawChosen(); });
  right.append(title, large, status);
  function figure(text, home) {
    const frame = make("figure"), canvas = blank(factor, text), line = make("figcaption", "", text);
    frame.append(canvas, line);
    home.append(frame);
    return { canvas, line };
  }

  // Walks.
  const bottom = make("section", "dlq-walk"), frames = make("div", "dlq-large"), strip = make("div", "dlq-strip");
  let walking = null;
  if (walks.length) {
    const pick = make("select"), pickLabel = make("label", "", say("walk")), row = make("div", "dlq-row");
    pick.id = uid + "-walk";
    pickLabel.htmlFor = pick.id;
    keepKeys(pick);
    walks.forEach((walk, k) => { const option = make("option", "", walk.name); option.value = k; pick.append(option); });
    pick.addEventListener("change", () => { const next = +pick.value; model.set("step", 0); set("walk", next); });
    const parts = makeSlider(uid + "-step", "step", walks[0].values.length - 1, (k) => set("step", k));
    row.append(parts.label, parts.value, parts.slider);
    const first = make("div", "dlq-pick");
    first.append(pickLabel, pick);
    strip.setAttribute("aria-hidden", "true"); // the slider says the same
    bottom.append(make("h2", "", say("a_walk")), first, row, frames, strip);
    walking = { pick, ...parts, moved: figure("", frames), swap: figure(say("swap"), frames), exact: figure(say("exact"), frames) };
  }
  root.append(left, right, ...(walks.length ? [bottom] : []), note);
  el.append(root);
  note.textContent = [...(tag ? [say("marked", { tag })] : []), say(exact ? "from_exact" : "from_target", { gain: GAIN }), say("all")].join(" ");

  function set(key, value) { model.set(key, value); model.save_changes(); }
  function choose(i, j) { place = [i, j]; set("chosen", [i, j]); }
  function step(event, i, j) {
    const to = { ArrowRight: [i, j + 1], ArrowLeft: [i, j - 1], ArrowDown: [i + 1, j], ArrowUp: [i - 1, j], Home: [i, 0], End: [i, K - 1] }[event.key];
    if (!to) return;
    event.preventDefault();
    if (!rows[to[0]]?.cells[to[1]]) return;
    place = to;
    drawTable();
    rows[to[0]].cells[to[1]].button.focus();
  }
  function drawTable() {
    const [ci, cj] = model.get("chosen"), different = model.get("difference");
    toggle.setAttribute("aria-pressed", String(different));
    heads.forEach(({ canvas }, j) => paint(canvas, data(tileOf.target(j))));
    rows.forEach(({ first, cells }, i) => {
      paint(first.canvas, data(tileOf.source(i)));
      cells.forEach(({ button, canvas }, j) => {
        const chosen = i === ci && j === cj;
        paint(canvas, different ? between(tileOf.swap(i, j), other(i, j)) : data(tileOf.swap(i, j)));
        button.tabIndex = i === place[0] && j === place[1] ? 0 : -1;
        button.setAttribute("aria-pressed", String(chosen));
        button.setAttribute("aria-label", say("in", { source: sources[i], target: targets[j] }));
      });
    });
  }
  function drawChosen() {
    if (!sheet) return;
    const [i, j] = model.get("chosen"), here = tileOf.swap(i, j), different = model.get("difference") !== peeking;
    title.textContent = say("in", { source: sources[i], target: targets[j] });
    paint(source.canvas, data(tileOf.source(i)));
    paint(target.canvas, data(tileOf.target(j)));
    paint(swap, different ? between(here, other(i, j)) : data(here), true);
    if (truth) paint(truth.canvas, data(tileOf.exact(i, j)));
    swapCaption.textContent = different ? say("difference", { gain: GAIN }) : say("swap");
    peek.setAttribute("aria-label", say(different ? "difference_press" : "swap_press"));
    peek.setAttribute("aria-pressed", String(model.get("difference")));
    const off = distance(here, other(i, j)).toFixed(1), copy = exact ? distance(tileOf.target(j), other(i, j)).toFixed(1) : "";
    status.textContent = say(exact ? "off_exact" : "off_target", { off, copy });
    root.dataset.chosen = `${i},${j}`;
    root.dataset.different = String(different);
  }
  function drawWalk() {
    if (!walking) return;
    const walk = walks[model.get("walk")], k = model.get("step"), n = walk.values.length;
    const whose = say("walks", { name: walk.name, whose: walk.moves === "source" ? sources[0] : targets[0] });
    walking.pick.value = model.get("walk");
    walking.label.textContent = walking.label.title = whose;
    walking.slider.max = n - 1;
    walking.slider.value = k;
    walking.value.textContent = walk.values[k];
    walking.slider.setAttribute("aria-valuetext", say("step", { value: walk.values[k], number: k + 1, count: n }));
    walking.moved.line.textContent = say(walk.moves);
    walking.moved.canvas.setAttribute("aria-label", whose);
    [walking.moved, walking.swap, walking.exact].forEach(({ canvas }, part) => paint(canvas, data(walk.first + part * n + k), part === 1));
    strip.replaceChildren(...walk.values.map((_, s) => {
      const canvas = blank(1);
      paint(canvas, data(walk.first + n + s));
      canvas.className = s === k ? "dlq-current" : "";
      canvas.addEventListener("click", () => set("step", s));
      return canvas;
    }));
    bottom.dataset.step = k;
  }
  function draw() {
    if (!sheet) return;
    drawTable();
    drawChosen();
    drawWalk();
    root.dataset.ready = "1";
  }
  async function load() {
    const atlas = model.get("atlas"), picture = new Image();
    picture.src = atlas.image;
    await picture.decode();
    if (atlas !== model.get("atlas")) return; // a newer one is on its way
    const canvas = make("canvas");
    canvas.width = picture.naturalWidth; canvas.height = picture.naturalHeight;
    sheet = canvas.getContext("2d", { willReadFrequently: true });
    sheet.drawImage(picture, 0, 0);
    draw();
  }
  const follow = () => { if (sheet) { place = [...model.get("chosen")]; drawTable(); drawChosen(); } };
  const stop = listen(model, { chosen: follow, difference: follow, walk: drawWalk, step: drawWalk, atlas: load });
  load();
  return () => { stop(); root.remove(); };
}

export default { render };
