// RelevanceBars: sorted bars, each a switch of one latent axis, and the pictures decoded from the axes left on.

const PAUSE = 80, PATIENCE = 4000; // milliseconds: between the last click and the question to Python, and until we worry

function render({ model, el }) {
  const order = model.get("order"), names = model.get("names"), scores = model.get("scores"), live = model.get("live");
  const cumulative = model.get("cumulative"), needed = model.get("needed"), [numImages, numSamples] = model.get("counts");
  const [height, width] = model.get("shape"), total = order.length, most = scores[0];
  const root = makeRoot("dlq-relevance"), status = makeStatus(), note = make("div", "dlq-note");
  let off = [...model.get("off")], atlas = null, still = null, sending, waiting;

  const bars = make("div", "dlq-bars"), reason = newId();
  bars.setAttribute("role", "group");
  bars.setAttribute("aria-label", "Axes, most relevant first: a pressed one is on");
  const percent = (k) => 100 * (cumulative[k] - (k ? cumulative[k - 1] : 0));
  const buttons = order.map((axis, k) => {
    const button = makeButton("", () => change(off.includes(axis) ? off.filter((a) => a !== axis) : [...off, axis]));
    const track = make("span", "dlq-track"), fill = make("span", "dlq-fill"), state = make("span", "dlq-state");
    fill.style.width = 100 * scores[k] / most + "%";
    track.append(fill);
    button.append(make("span", "dlq-name", names[axis]), track, make("span", "dlq-percent", `${percent(k).toFixed(1)} %`), state);
    button.setAttribute("aria-label", `${names[axis]}: score ${scores[k]}, ${percent(k).toFixed(1)} % of the sum`);
    button.title = `score ${scores[k]}`;
    bars.append(button);
    if (k + 1 === needed) bars.append(make("div", "dlq-cut", `The ${needed} axes above explain at least ${+(100 * model.get("share")).toFixed(2)} %.`));
    return { button, axis, state };
  });

  const { label, slider, value } = makeSlider(newId(), "Keep the top axes", total, (k) => change(order.slice(k)));
  const row = make("div", "dlq-row"), tools = make("div", "dlq-buttons");
  row.append(label, value, slider);
  tools.append(makeButton("All on", () => change([])), makeButton(`Top ${needed}`, () => change(order.slice(needed))));
  const pictures = make("div", "dlq-rows"), shown = {};
  line("Original", "original", numImages);
  line("All axes", "full", numImages);
  line("Axes left on", "kept", numImages);
  if (numSamples) { line("Samples, all axes", "sampled", numSamples); line("Samples, axes left on", "keptSampled", numSamples); }
  const left = make("section", "dlq-left"), right = make("section", "dlq-right");
  left.append(make("h2", "", "Relevance"), bars);
  right.append(row, tools, pictures, status);
  root.append(left, right, note);
  el.append(root);
  note.id = reason;
  note.textContent = "An axis that is off is replaced by its mean. " + (live ? "Python decodes every choice."
    : "This page holds the top axes for every number of them, and each axis switched off alone; a switch that leads elsewhere is disabled, as it needs Python.");

  function line(caption, key, count) {
    const figure = make("figure"), strip = make("div", "dlq-strip");
    shown[key] = Array.from({ length: count }, (_, k) => {
      const canvas = make("canvas");
      canvas.width = width; canvas.height = height;
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `${caption}, number ${k + 1}`);
      strip.append(canvas);
      return canvas;
    });
    figure.append(make("figcaption", "", caption), strip);
    pictures.append(figure);
  }
  function paint(canvases, sheet, first) {
    canvases?.forEach((canvas, n) => {
      const k = first + n, x = (k % sheet.columns) * width, y = Math.floor(k / sheet.columns) * height;
      canvas.getContext("2d").drawImage(sheet.picture, x, y, width, height, 0, 0, width, height);
    });
  }
  const key = (axes) => [...axes].sort((a, b) => a - b).join();
  const place = (axes) => (atlas ? atlas.sets.findIndex((set) => key(set) === key(axes)) : -1);
  const possible = (axes) => live || place(axes) >= 0;

  // The buttons answer at once; Python is asked when the clicks pause, and only for the last choice.
  function change(axes) {
    if (!possible(axes)) return;
    off = [...axes].sort((a, b) => a - b);
    draw();
    clearTimeout(sending);
    sending = setTimeout(() => { model.set("off", off); model.save_changes(); }, live ? PAUSE : 0);
  }
  function draw() {
    const on = total - off.length, isTop = key(order.slice(on)) === key(off);
    buttons.forEach(({ button, axis, state }) => {
      const isOff = off.includes(axis), next = isOff ? off.filter((a) => a !== axis) : [...off, axis];
      button.setAttribute("aria-pressed", String(!isOff));
      button.disabled = !possible(next);
      button.disabled ? button.setAttribute("aria-describedby", reason) : button.removeAttribute("aria-describedby");
      state.textContent = isOff ? "off" : "on";
    });
    slider.value = on;
    const said = `${on} of ${total} on` + (isTop ? "" : ", not the top ones") + (on && isTop ? `, ${(100 * cumulative[on - 1]).toFixed(1)} % explained` : "");
    value.textContent = said;
    slider.setAttribute("aria-valuetext", said);
    const k = place(off);
    clearTimeout(waiting);
    root.classList.toggle("dlq-waiting", k < 0);
    const without = off.length === 0 ? "All axes are on." : on === 0 ? "All axes are off: only the mean is left."
      : off.length === 1 ? `Off: ${names[off[0]]}.` : `${on} of ${total} axes are on.`;
    status.textContent = model.get("problem") || (k < 0 ? "Waiting for Python…" : without);
    if (k < 0) {
      waiting = setTimeout(() => { status.textContent =
        "No answer from Python yet: another cell may be running, or the kernel has stopped."; }, PATIENCE);
      return;
    }
    const first = k * (numImages + numSamples);
    paint(shown.kept, atlas, first);
    paint(shown.keptSampled, atlas, first + numImages);
    root.dataset.off = key(off);
  }
  async function loaded(sheet) {
    const picture = new Image();
    picture.src = sheet.image;
    await picture.decode();
    return { ...sheet, picture };
  }
  async function load() {
    const sheet = model.get("atlas"), next = await loaded(sheet);
    if (sheet !== model.get("atlas")) return; // a newer one is on its way
    atlas = next;
    draw();
  }
  async function loadStill() {
    still = await loaded(model.get("still"));
    paint(shown.original, still, 0);
    paint(shown.full, still, numImages);
    paint(shown.sampled, still, 2 * numImages);
    load();
  }
  const stop = listen(model, {
    off: () => { off = [...model.get("off")]; draw(); }, problem: draw, atlas: load,
  });
  loadStill();
  return () => { clearTimeout(sending); clearTimeout(waiting); stop(); root.remove(); };
}

export default { render };
