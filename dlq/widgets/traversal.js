// Latent traversal: draws the tile of the current code out of an atlas of pictures decoded ahead.
// Plain ES module after anywidget's contract (model.get, set, on, off, save_changes); the same file serves Jupyter and pages.

const MOST_THUMBNAILS = 12, KEPT_ATLASES = 8, PATIENCE = 4000; // levels, atlases, milliseconds

// The codes with at most `reach` sliders away from the anchor, in the order of the tiles (tiles.py: codes_within).
function codesWithin(levels, anchor, reach) {
  let codes = [[[], reach]];
  levels.forEach((count, i) => {
    codes = codes.flatMap(([code, left]) => [...Array(count).keys()]
      .filter((level) => level === anchor[i] || left > 0)
      .map((level) => [[...code, level], left - (level !== anchor[i])]));
  });
  return codes.map(([code]) => code);
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text; // names are text, never markup
  return element;
}

// Notebook 7 reads keys before they reach us, and its shortcuts match the focused element itself: mark each one.
const keepKeys = (element) => element.setAttribute("data-lm-suppress-shortcuts", "true");

function render({ model, el }) {
  const names = model.get("names"), texts = model.get("texts"), levels = texts.map((t) => t.length);
  const [height, width] = model.get("shape"), live = model.get("live");
  const movable = levels.filter((n) => n > 1).length;
  const uid = "dlq-" + Math.random().toString(36).slice(2);
  let atlases = [], recent = [], returned = [], timer;

  const root = make("div", "dlq-traversal");
  root.addEventListener("keydown", (event) => event.stopPropagation()); // JupyterLab: leave our arrow keys alone
  root.style.setProperty("--dlq-tile", model.get("tile") + "px");
  root.style.setProperty("--dlq-column", names.length > 8 ? "9rem" : "15rem");
  const pictures = make("div", "dlq-pictures");
  if (model.get("original")) {
    const original = make("img");
    original.src = model.get("original");
    original.alt = "The original image";
    figure(original, "Original");
  }
  const canvas = blank();
  canvas.setAttribute("role", "img");
  figure(canvas, "Decoded");
  const buttons = make("div", "dlq-buttons"), status = make("div", "dlq-status"), note = make("div", "dlq-note");
  status.setAttribute("role", "status");
  status.setAttribute("aria-live", "polite");
  button("Reset", () => { recent = []; returned = []; go(model.get("start")); });
  button("Random", random);
  const side = make("div", "dlq-side"), box = make("fieldset"), rows = names.map(row);
  box.prepend(make("legend", "", "Latent code"));
  side.append(pictures, buttons, status);
  root.append(side, box, note);
  el.append(root);

  function figure(content, caption) {
    const frame = make("figure");
    frame.append(content, make("figcaption", "", caption));
    pictures.append(frame);
  }
  function blank() {
    const c = make("canvas");
    c.width = width; c.height = height;
    return c;
  }
  function button(text, action) {
    const b = make("button", "", text);
    b.type = "button";
    keepKeys(b);
    b.addEventListener("click", action);
    buttons.append(b);
  }
  function row(name, i) {
    const line = make("div", "dlq-row"), label = make("label", "", name), value = make("span", "dlq-value");
    const slider = make("input"), strip = make("div", "dlq-strip"), thumbs = [];
    Object.assign(slider, { type: "range", min: 0, max: levels[i] - 1, step: 1, id: `${uid}-${i}`, disabled: levels[i] < 2 });
    keepKeys(slider);
    label.htmlFor = slider.id;
    label.title = name;
    slider.addEventListener("input", () => move(i, +slider.value));
    strip.setAttribute("aria-hidden", "true"); // the slider says the same
    line.style.setProperty("--dlq-levels", levels[i]);
    line.append(label, value, slider);
    if (levels[i] <= MOST_THUMBNAILS) {
      for (let level = 0; level < levels[i]; level++) {
        const thumb = blank();
        thumb.addEventListener("click", () => move(i, level));
        thumbs.push(thumb);
        strip.append(thumb);
      }
      line.classList.add("dlq-with-strip");
      line.append(strip);
    }
    box.append(line);
    return { slider, value, thumbs };
  }

  function find(code) {
    const key = code.join();
    for (const atlas of atlases) if (atlas.index.has(key)) return { atlas, k: atlas.index.get(key) };
  }
  const unseen = (tile) => tile.atlas.unseen[tile.k] === "1";
  function paint(target, { atlas, k }) {
    const x = (k % atlas.columns) * width, y = Math.floor(k / atlas.columns) * height;
    target.getContext("2d").drawImage(atlas.picture, x, y, width, height, 0, 0, width, height);
  }
  const said = (i, level) => levels[i] < 2 ? "only value" : `value ${level + 1} of ${levels[i]}`;
  const put = (code, i, level) => code.map((old, j) => (j === i ? level : old));

  function go(code) {
    model.set("code", code);
    model.save_changes();
  }
  // Without a kernel only the codes of the atlas can be shown: the slider moved longest ago goes home first.
  function destination(i, level) {
    const anchor = model.get("atlas").anchor, back = [], moved = recent.filter((j) => j !== i);
    let code = put(model.get("code"), i, level);
    if (!live) for (const j of [...names.keys()].filter((j) => j !== i && !moved.includes(j)).concat(moved)) {
      if (find(code)) break;
      if (code[j] !== anchor[j]) { code = put(code, j, anchor[j]); back.push(names[j]); }
    }
    return { code, back };
  }
  function move(i, level) {
    const { code, back } = destination(i, level);
    recent = [...recent.filter((j) => j !== i), i];
    returned = back;
    go(code);
  }
  function random() {
    const pick = (list) => list[Math.floor(Math.random() * list.length)], samples = model.get("samples");
    recent = []; returned = [];
    if (live) return go(samples.length ? pick(samples) : levels.map((n) => Math.floor(Math.random() * n)));
    const { anchor, reach } = model.get("atlas"), all = codesWithin(levels, anchor, reach);
    const known = all.filter((code) => !unseen(find(code)));
    go(pick(known.length ? known : all));
  }

  function messages(code, tile) {
    const { reach } = model.get("atlas"), lines = [];
    if (returned.length) {
      const moves = reach === 1 ? "one slider" : `${reach} sliders`;
      lines.push(`Back to the starting value: ${returned.join(", ")}. This page holds moves of ${moves} at a time.`);
    }
    if (model.get("problem")) lines.push(model.get("problem"));
    else if (!tile) lines.push("Waiting for Python…");
    else if (unseen(tile)) lines.push("Not seen in the data.");
    return lines.join(" ");
  }
  function draw() {
    const code = model.get("code"), tile = find(code);
    clearTimeout(timer);
    root.classList.toggle("dlq-waiting", !tile);
    root.classList.toggle("dlq-unseen", !!tile && unseen(tile));
    rows.forEach(({ slider, value, thumbs }, i) => {
      slider.value = code[i];
      slider.setAttribute("aria-valuetext", said(i, code[i]));
      value.textContent = value.title = `${said(i, code[i]).replace("value ", "")} (${texts[i][code[i]]})`;
      thumbs.forEach((thumb, level) => {
        const other = find(destination(i, level).code);
        thumb.className = (level === code[i] ? "dlq-current" : "") + (other && unseen(other) ? " dlq-off" : "");
        if (other) paint(thumb, other);
      });
    });
    status.textContent = messages(code, tile);
    if (!tile) {
      timer = setTimeout(() => { status.textContent =
        "No answer from Python yet: another cell may be running, or the kernel has stopped."; }, PATIENCE);
      return;
    }
    paint(canvas, tile);
    canvas.dataset.code = code.join();
    canvas.setAttribute("aria-label", "Decoded image: " + names.map((n, i) => `${n} ${said(i, code[i])}`).join("; "));
  }
  async function load() {
    const atlas = model.get("atlas"), picture = new Image();
    picture.src = atlas.image;
    await picture.decode();
    if (atlas !== model.get("atlas")) return; // a newer one is on its way
    const index = new Map(codesWithin(levels, atlas.anchor, atlas.reach).map((code, k) => [code.join(), k]));
    atlases = [{ ...atlas, picture, index }, ...atlases].slice(0, KEPT_ATLASES);
    const exact = "Every picture is the model's own output for its code.";
    const moves = atlas.reach === 1 ? "One slider" : `Up to ${atlas.reach} sliders`;
    const partial = `${moves} at a time can differ from the starting code; the one moved first then goes back.`;
    const count = `All ${index.size.toLocaleString("en")} codes are here.`;
    const more = atlas.reach >= movable ? count : live ? "Python decodes the next ones as you move." : partial;
    const mark = atlas.unseen ? " An orange mark: not seen in the data." : "";
    note.textContent = `${exact} ${more}${mark}`;
    draw();
  }

  model.on("change:code", draw);
  model.on("change:problem", draw);
  model.on("change:atlas", load);
  load();
  return () => {
    clearTimeout(timer);
    model.off("change:code", draw);
    model.off("change:problem", draw);
    model.off("change:atlas", load);
    root.remove();
  };
}

export default { render };
