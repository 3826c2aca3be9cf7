// RelevanceBars: sorted bars, each a switch of one latent axis, and the pictures decoded from the axes left on.

const PAUSE = 80, PATIENCE = 4000; // milliseconds: between the last click and the question to Python, and until we worry

function render({ model, el }) {
  const order = model.get("order"), names = model.get("names"), scores = model.get("scores"), live = model.get("live");
  const cumulative = model.get("cumulative"), needed = model.get("needed"), [numImages, numSamples] = model.get("counts");
  const [height, width] = model.get("shape"), total = order.length, most = scores[0];
  const say = makeWording(model), root = makeRoot("dlq-relevance"), status = makeStatus(), note = make("div", "dlq-note");
  let off = [...model.get("off")], atlas = null, still = null, sending, waiting;

  const bars = make("div", "dlq-bars"), reason = newId();
  bars.setAttribute("role", "group");
  bars.setAttribute("aria-label", say("axes"));
  const percent = (k) => 100 * (cumulative[k] - (k ? cumulative[k - 1] : 0));
  const buttons = order.map((axis, k) => {
    const button = makeButton("", () => change(off.includes(axis) ? off.filter((a) => a !== axis) : [...off, axis]));
    const track = make("span", "dlq-track"), fill = make("span", "dlq-fill"), state = make("span", "dlq-state");
    fill.style.width = 100 * scores[k] / most + "%";
    track.append(fill);
    button.append(make("span", "dlq-name", names[axis]), track, make("span", "dlq-percent", `${percent(k).toFixed(1)} %`), state);
    button.setAttribute("aria-label", say("axis", { name: names[axis], score: scores[k], percent: percent(k).toFixed(1) }));
    button.title = say("score", { score: scores[k] });
    bars.append(button);
    if (k + 1 === needed) bars.append(make("div", "dlq-cut", say("cut", { count: needed, percent: +(100 * model.get("share")).toFixed(2) })));
    return { button, axis, state };
  });

  const { label, slider, value } = makeSlider(newId(), say("keep"), total, (k) => change(order.slice(k)));
  const row = make("div", "dlq-row"), tools = make("div", "dlq-buttons");
  row.append(label, value, slider);
  tools.append(makeButton(say("all_on"), () => change([])), makeButton(say("top", { count: needed }), () => change(order.slice(needed))));
  const pictures = make("div", "dlq-rows"), shown = {};
  line(say("original"), "original", numImages);
  line(say("all_axes"), "full", numImages);
  line(say("left_on"), "kept", numImages);
  if (numSamples) { line(say("samples_all"), "sampled", numSamples); line(say("samples_left"), "keptSampled", numSamples); }
  const left = make("section", "dlq-left"), right = make("section", "dlq-right");
  left.append(make("h2", "", say("relevance")), bars);
  right.append(row, tools, pictures, status);
  root.append(left, right, note);
  el.append(root);
  note.id = reason;
  note.textContent = `${say("mean")} ${say(live ? "python" : "page")}`;

  function line(caption, key, count) {
    const figure = make("figure"), strip = make("div", "dlq-strip");
    shown[key] = Array.from({ length: count }, (_, k) => {
      const canvas = make("canvas");
      canvas.width = width; canvas.height = height;
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", say("picture", { caption, number: k + 1 }));
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
      state.textContent = say(isOff ? "off" : "on");
    });
    slider.value = on;
    const share = on && isTop ? say("explained", { percent: (100 * cumulative[on - 1]).toFixed(1) }) : "";
    const said = say("count_on", { on, total }) + (isTop ? "" : say("not_top")) + share;
    value.textContent = said;
    slider.setAttribute("aria-valuetext", said);
    const k = place(off);
    clearTimeout(waiting);
    root.classList.toggle("dlq-waiting", k < 0);
    const without = off.length === 0 ? "none_off" : on === 0 ? "all_off" : off.length === 1 ? "one_off" : "some_on";
    status.textContent = model.get("problem") || say(k < 0 ? "waiting" : without, { on, total, name: names[off[0]] });
    if (k < 0) {
      waiting = setTimeout(() => { status.textContent = say("silent"); }, PATIENCE);
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
