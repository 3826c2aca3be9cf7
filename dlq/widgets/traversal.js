// Sliders over a code, and the tile of the current code out of an atlas of pictures made ahead: Traversal, FactorBrowser.

const MOST_THUMBNAILS = 12, NEAR = 12, KEPT_ATLASES = 8, PATIENCE = 4000; // levels, levels, atlases, milliseconds

function render({ model, el }) {
  const names = model.get("names"), texts = model.get("texts"), levels = model.get("levels"), words = model.get("words"), say = makeWording(model);
  const [height, width] = model.get("shape"), live = model.get("live");
  const movable = levels.filter((n) => n > 1).length;
  const drawn = model.get("decoder"), draws = drawn && makeDrawing(drawn), free = live || !!draws, within = model.get("within");
  const uid = newId(), whole = !!words.range; // whether one strip shows the whole range of one slider, under all of them
  const anchors = model.get("anchors") ?? [], first = model.get("atlas");
  let atlases = [], wanted = [], loading, filling, recent = [], returned = [], shown = Math.max(0, levels.findIndex((n) => n > 1)), timer;

  const root = makeRoot("dlq-traversal");
  root.style.setProperty("--dlq-tile", model.get("tile") + "px");
  root.style.setProperty("--dlq-column", names.length > 8 ? "9rem" : "15rem");
  const pictures = make("div", "dlq-pictures");
  const original = make("img");
  if (model.get("original")) {
    original.src = model.get("original");
    original.alt = say("original_image");
    figure(original, say("original"));
  }
  const canvas = blank();
  canvas.setAttribute("role", "img");
  const caption = figure(canvas, words.caption);
  const buttons = make("div", "dlq-buttons"), status = makeStatus(), note = make("div", "dlq-note");
  buttons.append(makeButton(say("reset"), () => { recent = []; returned = []; go(model.get("start")); }));
  buttons.append(makeButton(say("random"), random));
  const side = make("div", "dlq-side"), box = make("fieldset"), rows = names.map(row);
  const range = make("section", "dlq-range"), heading = make("h2"), strip = make("div");
  range.append(heading, strip);
  box.prepend(make("legend", "", words.legend));
  side.append(...(anchors.length ? [makeStarts(anchors, say, begin)] : []), pictures, buttons, status);
  root.append(side, box, ...(whole ? [range] : []), note);
  el.append(root);

  function figure(content, caption) {
    const frame = make("figure"), line = make("figcaption", "", caption);
    frame.append(content, line);
    pictures.append(frame);
    return line;
  }
  function blank() {
    const c = make("canvas");
    c.width = width; c.height = height;
    return c;
  }
  function row(name, i) {
    const line = make("div", "dlq-row"), strip = make("div", "dlq-strip"), thumbs = [];
    const { label, slider, value } = makeSlider(`${uid}-${i}`, name, levels[i] - 1, (level) => move(i, level));
    if (whole) slider.addEventListener("focus", () => { shown = i; drawRange(); });
    strip.setAttribute("aria-hidden", "true"); // the slider says the same
    line.style.setProperty("--dlq-levels", levels[i]);
    line.append(label, value, slider);
    if (levels[i] <= MOST_THUMBNAILS && !whole) {
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

  async function begin({ code, atlas, original: address }) {
    recent = []; returned = [];
    if (address) original.src = address;
    model.set("start", code);
    model.set("atlas", atlas ?? first);
    await loading;
    go(code);
  }

  // A code's picture in an atlas, or one drawn here: at once if `now`.
  function find(code, now) {
    const found = findIn(atlases, code, width, height);
    if (found) return found;
    const picture = draws?.(code, now);
    return picture && { picture, x: 0, y: 0, off: draws.off(code), within: within[1] };
  }
  function paint(target, { picture, x, y }) {
    target.getContext("2d").drawImage(picture, x, y, width, height, 0, 0, width, height);
  }
  function fill() {
    clearTimeout(filling);
    if (!wanted.length) return;
    filling = setTimeout(() => {
      const [thumb, code, name] = wanted.shift(), tile = find(code, true);
      thumb.className = name + (tile.off ? " dlq-off" : "");
      paint(thumb, tile);
      fill();
    }, 30);
  }
  const said = (i, level, key = "level") => say(levels[i] < 2 ? "only_level" : key, { level: level + 1, count: levels[i] });
  const text = (i, level) => texts[i][level] ?? `${names[i]} ${level}`;
  const put = (code, i, level) => code.map((old, j) => (j === i ? level : old));

  function go(code) {
    model.set("code", code);
    model.save_changes();
  }
  // Without a kernel only the codes of the atlas can be shown: the slider moved longest ago goes home first.
  function destination(i, level) {
    const anchor = model.get("atlas").anchor, back = [], moved = recent.filter((j) => j !== i);
    let code = put(model.get("code"), i, level);
    if (!free) for (const j of [...names.keys()].filter((j) => j !== i && !moved.includes(j)).concat(moved)) {
      if (find(code)) break;
      if (code[j] !== anchor[j]) { code = put(code, j, anchor[j]); back.push(names[j]); }
    }
    return { code, back };
  }
  function move(i, level) {
    const { code, back } = destination(i, level);
    recent = [...recent.filter((j) => j !== i), i];
    shown = i;
    returned = back;
    go(code);
  }
  function random() {
    const pick = (list) => list[Math.floor(Math.random() * list.length)], samples = model.get("samples");
    recent = []; returned = [];
    if (free) return go(samples.length ? pick(samples) : levels.map((n) => Math.floor(Math.random() * n)));
    const all = codesWithin(levels, model.get("atlas"));
    const known = all.filter((code) => !find(code).off);
    go(pick(known.length ? known : all));
  }

  function messages(code, tile) {
    const { reach } = model.get("atlas"), lines = [];
    if (returned.length) {
      lines.push(say(reach === 1 ? "back_one" : "back_more", { names: returned.join(", "), reach }));
    }
    if (model.get("problem")) lines.push(model.get("problem"));
    else if (!tile) lines.push(say("waiting"));
    else if (tile.note) lines.push(tile.note);
    else if (tile.off) lines.push(words.off);
    return lines.join(" ");
  }
  function draw() {
    const code = model.get("code"), tile = find(code, true);
    clearTimeout(timer);
    wanted = [];
    root.classList.toggle("dlq-waiting", !tile);
    root.classList.toggle("dlq-unseen", !!tile && tile.off);
    rows.forEach(({ slider, value, thumbs }, i) => {
      slider.value = code[i];
      slider.setAttribute("aria-valuetext", whole ? `${text(i, code[i])}, ${said(i, code[i])}` : said(i, code[i]));
      value.textContent = value.title = `${said(i, code[i], "short_level")} (${text(i, code[i])})`;
      thumbs.forEach((thumb, level) => {
        const next = destination(i, level).code, other = find(next), name = level === code[i] ? "dlq-current" : "";
        thumb.className = name + (other && other.off ? " dlq-off" : "");
        if (other) paint(thumb, other);
        else if (draws) wanted.push([thumb, next, name]);
      });
    });
    drawRange();
    status.textContent = messages(code, tile);
    if (!tile) {
      timer = setTimeout(() => { status.textContent = say("silent"); }, PATIENCE);
      return;
    }
    paint(canvas, tile);
    fill();
    if (within) caption.textContent = say(tile.within ? "shown_within" : "shown_exact", { caption: words.caption, worst: tile.within });
    canvas.dataset.code = code.join();
    canvas.setAttribute("aria-label", words.said + ": " + names.map((n, i) => `${n} ${said(i, code[i])}`).join("; "));
  }
  // The whole range of the slider in hand, or what is near in a long one.
  function drawRange() {
    if (!whole) return;
    const code = model.get("code"), i = shown, far = levels[i] > 64 ? NEAR : levels[i];
    const low = Math.max(0, code[i] - far), high = Math.min(levels[i], code[i] + far + 1);
    const near = Array.from({ length: high - low }, (_, k) => low + k);
    heading.textContent = `${words.range} ${names[i]}`;
    strip.setAttribute("aria-hidden", "true");
    strip.replaceChildren(...near.flatMap((level) => {
      const tile = find(destination(i, level).code), thumb = make("figure"), picture = blank();
      if (!tile) return [];
      paint(picture, tile);
      thumb.className = (level === code[i] ? "dlq-current" : "") + (tile.off ? " dlq-off" : "");
      thumb.append(picture, make("figcaption", "", text(i, level)));
      thumb.addEventListener("click", () => move(i, level));
      return [thumb];
    }));
  }
  async function load() {
    const given = model.get("atlas"), atlas = await readAtlas(given, levels, width, height);
    if (given !== model.get("atlas")) return; // a newer one is on its way
    atlases = [atlas, ...atlases].slice(0, KEPT_ATLASES);
    const partial = say(atlas.reach === 1 ? "holds_one" : "holds_more", { reach: atlas.reach, home: words.home });
    const count = say("holds_all", { count: atlas.index.size.toLocaleString(language(el)), all: words.all });
    const more = atlas.reach >= movable && atlas.window >= Math.max(...levels) ? count : live ? words.next : partial;
    note.textContent = `${words.exact} ${words.more ?? more}${atlas.unseen ? " " + words.mark : ""}`;
    draw();
  }

  const stop = listen(model, { code: draw, problem: draw, atlas: () => { loading = load(); } });
  load();
  return () => {
    clearTimeout(timer);
    clearTimeout(filling);
    stop();
    root.remove();
  };
}

export default { render };
