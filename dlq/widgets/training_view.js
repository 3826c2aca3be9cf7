// TrainingView: curves, pace and pictures of a run, all prepared by Python (progress.py, filmstrip.py), and its Stop button.

const DEAF = 4, MANY = 40; // calls of Stop, one a second, until it is unheard; latents, until their list scrolls

function render({ model, el }) {
  const say = makeWording(model), live = model.get("live"), uid = newId(), root = makeRoot("dlq-training");
  const head = make("div", "dlq-head"), bar = make("progress"), facts = make("div", "dlq-facts"), status = makeStatus();
  const stopButton = makeButton(say("stop"), halt), charts = make("div", "dlq-charts"), film = make("section", "dlq-film");
  bar.setAttribute("aria-label", say("steps_done"));
  head.append(bar, facts, ...(live ? [stopButton] : []), status);
  const { label, slider, value } = makeSlider(uid, say("latent"), 0, (i) => { model.set("latent", i); model.save_changes(); drawFilm(); });
  const row = make("div", "dlq-row"), images = make("div", "dlq-pairs"), moves = make("div", "dlq-moves");
  const used = make("div", "dlq-used"), usedTitle = make("h2", "", say("used_title")), bars = make("ul"), note = make("div", "dlq-note");
  row.append(label, value, slider);
  used.append(usedTitle, bars);
  film.append(make("h2", "", say("images_title")), images, make("h2", "", say("moves_title")), row, moves, used);
  root.append(head, charts, film, note);
  el.append(root);
  let sheet = null, timer, asked = 0, shownPhase = "", drawn = 0;

  function duration(seconds) {
    const s = Math.round(seconds);
    if (s < 60) return say("seconds", { s });
    if (s < 3600) return say("minutes", { m: Math.floor(s / 60), s: s % 60 });
    return say("hours", { h: Math.floor(s / 3600), m: Math.floor((s % 3600) / 60) });
  }
  // Repeated until Python answers: one message may meet a busy thread, and traits would queue up behind it.
  function halt() {
    const { run } = model.get("record").progress;
    asked = run;
    stopButton.disabled = true;
    status.textContent = say("stopping");
    let tries = 0;
    const call = () => {
      const { run: current, phase } = model.get("record").progress;
      clearTimeout(timer);
      if (phase !== "training" || current !== run) return;
      if (tries++ < 8) model.send({ stop: run });
      if (tries === DEAF) status.textContent = say("deaf");
      timer = setTimeout(call, 1000);
    };
    call();
  }
  function drawRecord() {
    const record = model.get("record"), { phase, step, total, rate, left, seconds, run, stoppable } = record.progress;
    bar.max = Math.max(total, step, 1);
    bar.value = step;
    bar.hidden = phase === "waiting";
    root.dataset.phase = phase;
    root.dataset.step = step;
    const parts = [say(total ? "step_of" : "step", { step: whole(step), total: whole(total) })];
    if (rate) parts.push(say("rate", { rate: short(rate) }));
    if (phase === "training" && left) parts.push(say("left", { time: duration(left) }));
    else if (seconds) parts.push(duration(seconds));
    facts.replaceChildren(...(phase === "waiting" ? [] : parts.map((part) => make("span", "", part))));
    stopButton.disabled = phase !== "training" || !stoppable || asked === run;
    if (phase !== shownPhase) { // said once: a live region that follows every step would never be silent
      shownPhase = phase;
      status.textContent = phase === "training" ? "" : say(phase === "waiting" && !live ? "unwatched" : phase);
    }
    if (model.get("problem")) status.textContent = model.get("problem");
    drawCharts();
  }
  function drawCharts() {
    const { charts: found, steps } = model.get("record");
    drawn = Math.max(280, Math.min(640, charts.clientWidth || 560)); // one unit is one pixel, so that text keeps its size
    charts.replaceChildren(...found.map((chart) => chartOf(chart, steps, drawn, say)));
  }
  function tile(k, current) {
    const [height, width] = sheet.shape, canvas = make("canvas", current ? "dlq-current" : "");
    canvas.width = width; canvas.height = height;
    const left = (k % sheet.columns) * width, top = Math.floor(k / sheet.columns) * height;
    canvas.getContext("2d").drawImage(sheet.picture, left, top, width, height, 0, 0, width, height);
    return canvas;
  }
  function labelled(canvas, caption) {
    const figure = make("figure");
    figure.append(canvas, make("figcaption", "", caption));
    return figure;
  }
  function rowOf(title, first, count) {
    const figure = make("figure"), line = make("div", "dlq-tiles");
    line.setAttribute("role", "img");
    line.setAttribute("aria-label", say("row", { title, count }));
    for (let k = 0; k < count; k++) line.append(tile(first + k));
    figure.append(make("figcaption", "", title), line);
    return figure;
  }
  function drawFilm() {
    film.hidden = !sheet;
    if (!sheet) return;
    const i = Math.min(model.get("latent"), sheet.names.length - 1), held = sheet.moves[i], name = sheet.names[i];
    images.replaceChildren(rowOf(say("original"), 0, sheet.shown), rowOf(say("reconstruction"), sheet.shown, sheet.shown));
    slider.max = sheet.names.length - 1;
    slider.value = i;
    slider.disabled = sheet.names.length < 2;
    slider.setAttribute("aria-valuetext", name);
    value.textContent = name;
    moves.classList.toggle("dlq-waiting", !held);
    if (held) {
      moves.setAttribute("role", "img");
      moves.setAttribute("aria-label", say("moving", { name, values: held.values.join(", ") }));
      moves.dataset.latent = i;
      moves.replaceChildren(...held.values.map((text, k) => labelled(tile(held.first + k, k === held.current), text)));
    }
    used.hidden = !sheet.used.length;
    usedTitle.textContent = say("used_among", { count: sheet.sample });
    if (sheet.used.length > MANY) Object.assign(bars, { tabIndex: 0, className: "dlq-many" }); // it scrolls, by keyboard too
    bars.replaceChildren(...sheet.used.map(([taken, count], j) => {
      const item = make("li"), fill = make("span", "dlq-fill"), track = make("span", "dlq-track");
      fill.style.width = 100 * taken / count + "%";
      track.setAttribute("aria-hidden", "true");
      track.append(fill);
      item.append(make("span", "dlq-name", sheet.names[j]), track, make("span", "dlq-value", say("used", { used: taken, count })));
      return item;
    }));
    note.textContent = say(live ? "from_copy" : "from_end");
  }
  async function load() {
    const strip = model.get("strip");
    if (!strip.image) return drawFilm();
    const picture = new Image();
    picture.src = strip.image;
    await picture.decode();
    if (strip !== model.get("strip")) return; // a newer one is on its way
    sheet = { ...strip, picture };
    drawFilm();
  }
  const stop = listen(model, { record: drawRecord, problem: drawRecord, latent: drawFilm, strip: load });
  const resized = new ResizeObserver(() => {
    if (Math.max(280, Math.min(640, charts.clientWidth)) !== drawn) requestAnimationFrame(drawCharts);
  });
  drawRecord();
  load();
  resized.observe(charts);
  return () => { clearTimeout(timer); resized.disconnect(); stop(); root.remove(); };
}

export default { render };
