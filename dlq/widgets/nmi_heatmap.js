// NmiHeatmap: factor by latent as a table of shades, a bar a metric, and a slider that turns two latents. All numbers
// were computed ahead in Python.

const show = (value) => (value === null ? "–" : value.toFixed(2));
const within = (value) => Math.min(1, Math.max(0, value));

function render({ model, el }) {
  const factors = model.get("factor_names"), latents = model.get("latent_names"), pair = model.get("pair");
  const degrees = model.get("degrees"), bars = model.get("bars");
  const palette = model.get("palette").map((hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16)));
  const say = makeWording(model), root = makeRoot("dlq-nmi"), status = makeStatus(), box = make("div", "dlq-map"), side = make("div", "dlq-bars");
  let place = [0, 0], pointed = false;

  // A value's colour between two of the palette, and the ink that reads on it (drawing.py: shade, ink_on).
  function shade(value) {
    const at = within(value) * (palette.length - 1), low = Math.min(Math.floor(at), palette.length - 2);
    return palette[low].map((c, k) => Math.round(c + (palette[low + 1][k] - c) * (at - low)));
  }
  function ink(colour) {
    const [r, g, b] = colour.map((c) => (c <= 10 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
  }
  const cell = (i, j) => model.get("cells")[model.get("angle")][i][j];
  const turned = (j) => pair.includes(j);

  const table = make("table"), head = make("tr"), corner = make("td");
  const caption = make("p", "dlq-small", say("caption"));
  caption.id = newId();
  table.setAttribute("aria-labelledby", caption.id);
  head.append(corner, ...latents.map((name, j) => {
    const th = make("th", turned(j) ? "dlq-turned" : "", name);
    th.scope = "col";
    return th;
  }));
  table.append(head);
  const cells = factors.map((name, i) => {
    const row = make("tr"), th = make("th", "", name);
    th.scope = "row";
    th.title = name;
    row.append(th);
    table.append(row);
    return latents.map((_, j) => {
      const td = make("td", "dlq-cell");
      keepKeys(td);
      td.addEventListener("mouseenter", () => read(i, j));
      td.addEventListener("focus", () => { place = [i, j]; read(i, j); });
      td.addEventListener("keydown", (event) => step(event, i, j));
      row.append(td);
      return td;
    });
  });
  box.append(table);
  const key = make("div", "dlq-key"), ramp = make("span", "dlq-ramp");
  ramp.style.background = `linear-gradient(to right, ${model.get("palette").join(", ")})`;
  key.append("0", ramp, "1");

  const rows = Object.keys(bars).map((label) => {
    const row = make("div", "dlq-metric"), track = make("div", "dlq-track"), fill = make("div", "dlq-fill"), mark = make("div", "dlq-mark");
    const number = make("span", "dlq-number");
    track.append(fill, ...(pair.length ? [mark] : []));
    row.append(make("span", "dlq-name", label), track, number);
    side.append(row);
    return { label, fill, mark, number };
  });
  const left = make("div", "dlq-left"), right = make("div", "dlq-right");
  left.append(caption, box, key, status);
  const uid = newId();
  const { label, slider, value } = makeSlider(uid, say("turn", { first: latents[pair[0]], second: latents[pair[1]] }), degrees.length - 1,
    (k) => { model.set("angle", k); model.save_changes(); });
  if (pair.length) {
    const row = make("div", "dlq-row");
    row.append(label, value, slider);
    right.append(row, make("p", "dlq-small", say("nothing_lost")));
  }
  right.append(make("h2", "", say("metrics")), side);
  if (pair.length) right.append(make("p", "dlq-small", say("mark")));
  root.append(left, right);
  el.append(root);

  function read(i, j) {
    pointed = true;
    place = [i, j];
    const number = cell(i, j);
    const value = number === null ? say("constant") : number.toFixed(3), angle = model.get("angle");
    status.textContent = say("cell", { factor: factors[i], latent: latents[j], value })
      + (turned(j) && angle ? say("turned", { degrees: degrees[angle] }) : "");
  }
  // The table is one stop of the Tab key; arrows, Home and End move inside it.
  function step(event, i, j) {
    const to = { ArrowRight: [i, j + 1], ArrowLeft: [i, j - 1], ArrowDown: [i + 1, j], ArrowUp: [i - 1, j],
      Home: [i, 0], End: [i, latents.length - 1] }[event.key];
    if (!to) return;
    event.preventDefault();
    if (!cells[to[0]]?.[to[1]]) return;
    place = to;
    draw();
    cells[to[0]][to[1]].focus();
  }
  function draw() {
    const angle = model.get("angle");
    cells.forEach((row, i) => row.forEach((td, j) => {
      const number = cell(i, j), colour = number === null ? null : shade(number);
      td.tabIndex = i === place[0] && j === place[1] ? 0 : -1;
      td.textContent = show(number);
      td.style.background = colour ? `rgb(${colour})` : "transparent";
      td.style.color = colour ? ink(colour) : "inherit";
    }));
    rows.forEach(({ label, fill, mark, number }) => {
      const now = bars[label][angle], then = bars[label][0];
      fill.style.width = 100 * within(now ?? 0) + "%";
      mark.style.left = 100 * within(then ?? 0) + "%";
      number.textContent = now === null ? say("undefined") : now.toFixed(2);
      number.title = then === null ? "" : say("at_zero", { value: then.toFixed(3) });
    });
    slider.value = angle;
    value.textContent = `${degrees[angle]}°`;
    slider.setAttribute("aria-valuetext", say("degrees", { degrees: degrees[angle] }) + "; " + rows.map(({ label }) => `${label} ${show(bars[label][angle])}`).join(", "));
    table.dataset.angle = angle;
    if (pointed) read(...place);
  }
  const stop = listen(model, { angle: draw });
  draw();
  return () => { stop(); root.remove(); };
}

export default { render };
