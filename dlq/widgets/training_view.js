// TrainingView: curves, pace and pictures of a run, all prepared by Python (progress.py, filmstrip.py), and its Stop button.

const DEAF = 4, MANY = 40; // calls of Stop, one a second, until it is unheard; latents, until their list scrolls

function duration(seconds) {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

function render({ model, el }) {
  const live = model.get("live"), uid = newId(), root = makeRoot("dlq-training");
  const head = make("div", "dlq-head"), bar = make("progress"), facts = make("div", "dlq-facts"), status = makeStatus();
  const stopButton = makeButton("Stop", halt), charts = make("div", "dlq-charts"), film = make("section", "dlq-film");
  bar.setAttribute("aria-label", "Steps done");
  head.append(bar, facts, ...(live ? [stopButton] : []), status);
  const { label, slider, value } = makeSlider(uid, "latent", 0, (i) => { model.set("latent", i); model.save_changes(); drawFilm(); });
  const row = make("div", "dlq-row"), images = make("div", "dlq-pairs"), moves = make("div", "dlq-moves");
  const used = make("div", "dlq-used"), usedTitle = make("h2", "", "Values in use"), bars = make("ul"), note = make("div", "dlq-note");
  row.append(label, value, slider);
  used.append(usedTitle, bars);
  film.append(make("h2", "", "What the model makes of some images"), images, make("h2", "", "One latent moves"), row, moves, used);
  root.append(head, charts, film, note);
  el.append(root);
  let sheet = null, timer, asked = 0, shownPhase = "", drawn = 0;

  // Repeated until Python answers: one message may meet a busy thread, and traits would queue up behind it.
  function halt() {
    const { run } = model.get("record").progress;
    asked = run;
    stopButton.disabled = true;
    status.textContent = "Stopping after this step…";
    let tries = 0;
    const call = () => {
      const { run: current, phase } = model.get("record").progress;
      clearTimeout(timer);
      if (phase !== "training" || current !== run) return;
      if (tries++ < 8) model.send({ stop: run });
      if (tries === DEAF) status.textContent = "This notebook delivers no messages while a cell runs. Press its own "
        + "interrupt button (■), or Escape and then I twice: training ends after its step in the same way.";
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
    const parts = [`step ${whole(step)}${total ? ` of ${whole(total)}` : ""}`];
    if (rate) parts.push(`${short(rate)} steps/s`);
    if (phase === "training" && left) parts.push(`${duration(left)} left`);
    else if (seconds) parts.push(duration(seconds));
    facts.replaceChildren(...(phase === "waiting" ? [] : parts.map((part) => make("span", "", part))));
    stopButton.disabled = phase !== "training" || !stoppable || asked === run;
    if (phase !== shownPhase) { // said once: a live region that follows every step would never be silent
      shownPhase = phase;
      status.textContent = { waiting: live ? "Waiting for training: dlq.fit(model, data, watch=view.watch)" : "No training was watched.",
        training: "", stopping: "Stopping after this step…", finished: "Training is finished.",
        interrupted: "Training was interrupted; fit goes on from here when it is called again." }[phase] ?? phase;
    }
    if (model.get("problem")) status.textContent = model.get("problem");
    drawCharts();
  }
  function drawCharts() {
    const { charts: found, steps } = model.get("record");
    drawn = Math.max(280, Math.min(640, charts.clientWidth || 560)); // one unit is one pixel, so that text keeps its size
    charts.replaceChildren(...found.map((chart) => chartOf(chart, steps, drawn)));
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
    line.setAttribute("aria-label", `${title}: ${count} images`);
    for (let k = 0; k < count; k++) line.append(tile(first + k));
    figure.append(make("figcaption", "", title), line);
    return figure;
  }
  function drawFilm() {
    film.hidden = !sheet;
    if (!sheet) return;
    const i = Math.min(model.get("latent"), sheet.names.length - 1), held = sheet.moves[i], name = sheet.names[i];
    images.replaceChildren(rowOf("Original", 0, sheet.shown), rowOf("Reconstruction", sheet.shown, sheet.shown));
    slider.max = sheet.names.length - 1;
    slider.value = i;
    slider.disabled = sheet.names.length < 2;
    slider.setAttribute("aria-valuetext", name);
    value.textContent = name;
    moves.classList.toggle("dlq-waiting", !held);
    if (held) {
      moves.setAttribute("role", "img");
      moves.setAttribute("aria-label", `${name} at ${held.values.join(", ")}; the others stay`);
      moves.dataset.latent = i;
      moves.replaceChildren(...held.values.map((text, k) => labelled(tile(held.first + k, k === held.current), text)));
    }
    used.hidden = !sheet.used.length;
    usedTitle.textContent = `Values in use, among ${sheet.sample} images`;
    if (sheet.used.length > MANY) Object.assign(bars, { tabIndex: 0, className: "dlq-many" }); // it scrolls, by keyboard too
    bars.replaceChildren(...sheet.used.map(([taken, count], j) => {
      const item = make("li"), fill = make("span", "dlq-fill"), track = make("span", "dlq-track");
      fill.style.width = 100 * taken / count + "%";
      track.setAttribute("aria-hidden", "true");
      track.append(fill);
      item.append(make("span", "dlq-name", sheet.names[j]), track, make("span", "dlq-value", `${taken} of ${count}`));
      return item;
    }));
    note.textContent = live ? "Drawn from a copy of the model; the framed picture is the first image's own code." :
      "Drawn from the model as it was when this page was written; the framed picture is the first image's own code.";
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
