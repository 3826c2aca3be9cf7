// Codebook: each latent's values on a number line, and the value that a soft one snaps to. All numbers come from Python.

const digits = (number) => (Math.abs(number) < 5e-7 ? "0" : Math.abs(number) < 0.001 ? number.toExponential(1) : String(+number.toFixed(4)));

function render({ model, el }) {
  const names = model.get("names"), values = model.get("values"), counts = model.get("counts"), bounded = model.get("bounded");
  const table = () => model.get("tables")[model.get("kinds")[model.get("latent")]];
  const say = makeWording(model), uid = newId(), root = makeRoot("dlq-codebook"), status = makeStatus();
  const chosen = make("section", "dlq-chosen"), heading = make("h2"), line = make("div", "dlq-line dlq-large" + (counts.length ? "" : " dlq-bare"));
  const last = table().soft.length - 1;
  const { label, slider, value } = makeSlider(uid, say("soft"), last, (k) => { model.set("position", k); model.save_changes(); });
  const row = make("div", "dlq-row"), facts = make("dl"), note = make("div", "dlq-note");
  row.append(label, value, slider);
  status.classList.add("dlq-quiet");
  chosen.append(heading, line, row, facts, status);
  const list = make("div", "dlq-latents");
  list.setAttribute("role", "group");
  list.setAttribute("aria-label", say("latents"));
  const buttons = names.map(latentButton);
  root.append(chosen, list, note);
  el.append(root);
  note.textContent = say(counts.length ? "dots_and_bars" : "dots");

  // Where a number stands on the chosen latent's line, in percent of its width.
  function ends(i) {
    const at = model.get("tables")[model.get("kinds")[i]].at;
    return bounded ? [-1.06, 1.06] : [at[0], at[at.length - 1]];
  }
  function placed(element, i, number) {
    const [low, high] = ends(i);
    element.style.left = 100 * (number - low) / (high - low) + "%";
    return element;
  }
  function drawLine(target, i, labels) {
    const total = counts.length ? counts[i].reduce((a, b) => a + b, 0) : 0, most = counts.length ? Math.max(...counts[i]) : 1;
    const order = values[i].map((_, k) => k).sort((a, b) => values[i][a] - values[i][b]), [low, high] = ends(i);
    let labelled = -Infinity;
    target.replaceChildren(make("div", "dlq-axis"), ...order.flatMap((k) => {
      const dot = placed(make("div", "dlq-dot"), i, values[i][k]), parts = [dot];
      if (counts.length) {
        const bar = placed(make("div", "dlq-bar"), i, values[i][k]);
        bar.style.setProperty("--dlq-share", counts[i][k] / (most || 1));
        bar.title = say("share", { value: digits(values[i][k]), percent: (100 * counts[i][k] / total).toFixed(1) });
        dot.classList.toggle("dlq-hollow", counts[i][k] === 0);
        parts.push(bar);
      }
      const place = (values[i][k] - low) / (high - low);
      if (labels && place - labelled > 0.085) {
        labelled = place;
        parts.push(placed(make("div", "dlq-number", values[i][k].toFixed(2)), i, values[i][k]));
      }
      return parts;
    }));
  }
  function latentButton(name, i) {
    const button = makeButton("", (event) => choose(i, event)), small = make("div", "dlq-line");
    const used = counts.length ? counts[i].filter((n) => n > 0).length : values[i].length;
    const text = say(counts.length ? "used" : "values", { used, count: values[i].length });
    drawLine(small, i, false);
    small.setAttribute("aria-hidden", "true");
    button.append(make("span", "dlq-name", name), make("span", "dlq-value", text), small);
    list.append(button);
    return button;
  }
  function choose(i, event) {
    model.set("latent", i);
    model.save_changes();
    if (event.detail > 0) chosen.scrollIntoView({ block: "nearest" }); // by pointer; on a phone it may be far above
  }
  function fact(term, number, words) {
    const description = make("dd", "", "");
    description.append(make("strong", "", number), " " + words);
    facts.append(make("dt", "", term), description);
  }
  function draw() {
    const i = model.get("latent"), p = model.get("position"), t = table(), k = t.indices[p], target = values[i][k];
    const [quantization, commitment] = model.get("weights");
    heading.textContent = names[i];
    buttons.forEach((button, j) => button.setAttribute("aria-pressed", String(j === i)));
    drawLine(line, i, true);
    const soft = placed(make("div", "dlq-soft"), i, t.at[p]), hard = placed(make("div", "dlq-hard"), i, target);
    const path = placed(make("div", "dlq-path"), i, Math.min(t.at[p], target)), [low, high] = ends(i);
    path.style.width = 100 * Math.abs(t.at[p] - target) / (high - low) + "%";
    line.append(path, hard, soft);
    line.dataset.index = k;
    slider.value = p;
    value.textContent = digits(t.soft[p]);
    const order = values[i].filter((v) => v < target).length + 1;
    slider.setAttribute("aria-valuetext", say("snapping", { soft: digits(t.soft[p]), hard: digits(target) }));
    facts.replaceChildren();
    if (bounded) fact(say("bounded"), digits(t.at[p]), say("bounded_is"));
    const taken = counts.length ? say("taken", { images: counts[i][k].toLocaleString(language(el)) }) : "";
    fact(say("snaps"), digits(target), say("snaps_is", { number: order, count: values[i].length }) + taken);
    fact(say("distance"), digits(t.distance[p]), say(bounded ? "distance_bounded" : "distance_is"));
    if (t.quantization) fact(say("quantization"), digits(t.quantization[p]), say("quantization_is", { weight: quantization }));
    else if (t.commitment) fact(say("quantization"), say("none"), say("fixed"));
    if (t.commitment) fact(say("commitment"), digits(t.commitment[p]), say("commitment_is", { weight: commitment }));
    if (!t.quantization && !t.commitment) fact(say("losses"), say("none"), say(bounded ? "nothing_learned" : "unknown_weights"));
    fact(say("gradient"), digits(t.gradient[p]), say(bounded ? "gradient_bounded" : "gradient_straight"));
    status.textContent = say("spoken", { name: names[i], soft: digits(t.soft[p]), hard: digits(target) });
  }
  const stop = listen(model, { latent: draw, position: draw });
  draw();
  return () => { stop(); root.remove(); };
}

export default { render };
