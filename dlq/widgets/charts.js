// Curves over steps as SVG, on the axis that Python chose (progress.py), with a key that has their last values.

// Asked of the browser, so that a page which needs no network holds no address either.
const NS = new DOMParser().parseFromString("<svg>", "text/html").querySelector("svg").namespaceURI;
const HEIGHT = 190, LEFT = 58, RIGHT = 10, TOP = 8, BOTTOM = 24;
const DASHES = ["7 4", "2 4", "10 4 2 4"], COLOURS = 7;

function draw(tag, attributes, text) {
  const element = document.createElementNS(NS, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}
function short(number) {
  if (number === null || number === undefined) return "–";
  const size = Math.abs(number);
  return size >= 1e5 || (size > 0 && size < 1e-3) ? number.toExponential(1).replace("e+", "e") : String(+number.toPrecision(3));
}
const whole = (n) => n.toLocaleString("en");

function chartOf(chart, steps, width, say) {
  const figure = make("figure", "dlq-chart"), last = Math.max(1, steps[steps.length - 1] ?? 1), bend = chart.log ? Math.log : (v) => v;
  const place = (v) => (bend(v) - bend(chart.low)) / (bend(chart.high) - bend(chart.low));
  const x = (step) => LEFT + (width - LEFT - RIGHT) * step / last, y = (v) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * place(v);
  const said = chart.lines.map((line) => `${line.name} ${short(line.values[line.values.length - 1])}`).join(", ");
  const picture = draw("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img",
    "aria-label": say(chart.log ? "chart_log" : "chart", { title: say(chart.title), values: said }) });
  for (const tick of chart.ticks) {
    picture.append(draw("line", { x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick), class: "dlq-grid" }));
    picture.append(draw("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, short(tick)));
  }
  for (const [step, anchor] of [[0, "start"], [last, "end"]])
    picture.append(draw("text", { x: x(step), y: HEIGHT - 6, "text-anchor": anchor }, step ? say("step", { step: whole(step) }) : "0"));
  const key = make("ul", "dlq-keys");
  chart.lines.forEach((line, j) => {
    const dash = j < 2 ? "" : DASHES[j % DASHES.length], look = `dlq-line-${j % COLOURS}${line.name.endsWith("total") ? " dlq-total" : ""}`;
    const points = line.values.flatMap((v, k) => (v === null ? [] : [`${x(steps[k]).toFixed(1)},${y(v).toFixed(1)}`]));
    if (line.drawn && points.length === 1) {
      const [cx, cy] = points[0].split(",");
      picture.append(draw("circle", { cx, cy, r: 3, class: look + " dlq-point" }));
    } else if (line.drawn) picture.append(draw("polyline", { points: points.join(" "), class: look, "stroke-dasharray": dash }));
    const item = make("li"), swatch = draw("svg", { viewBox: "0 0 22 8", class: "dlq-swatch", "aria-hidden": "true" });
    swatch.append(draw("line", { x1: 0, x2: 22, y1: 4, y2: 4, class: look, "stroke-dasharray": dash }));
    item.append(swatch, make("span", "", line.name), make("strong", "", short(line.values[line.values.length - 1])));
    key.append(item);
  });
  figure.append(make("figcaption", "", chart.log ? say("title_log", { title: say(chart.title) }) : say(chart.title)), picture, key);
  return figure;
}
