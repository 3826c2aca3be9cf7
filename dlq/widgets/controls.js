// What all widgets share, put before each one's own module (page.py). Plain ES after anywidget's contract
// (model.get, set, on, off, save_changes); the same text serves Jupyter and exported pages.

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text; // names are text, never markup
  return element;
}

// All texts come from the trait "words" (words.py), their parts in braces filled in.
function makeWording(model) {
  const words = model.get("words");
  return (key, parts = {}) => words[key].replace(/\{(\w+)\}/g, (whole, part) => parts[part] ?? whole);
}

// Notebook 7 reads keys before they reach us, and its shortcuts match the focused element itself: mark each one.
const keepKeys = (element) => element.setAttribute("data-lm-suppress-shortcuts", "true");
const newId = () => "dlq-" + Math.random().toString(36).slice(2);

function makeRoot(className) {
  const root = make("div", `dlq-widget ${className}`);
  root.addEventListener("keydown", (event) => event.stopPropagation()); // JupyterLab: leave our arrow keys alone
  return root;
}

// How numbers are written: as the page's language does it, in a notebook as English does.
const language = (element) => element.ownerDocument.querySelector("#view") ? element.ownerDocument.documentElement.lang || "en" : "en";

function makeStatus() {
  const status = make("div", "dlq-status");
  status.setAttribute("role", "status");
  status.setAttribute("aria-live", "polite");
  return status;
}

function makeButton(text, action) {
  const button = make("button", "", text);
  button.type = "button";
  keepKeys(button);
  button.addEventListener("click", action);
  return button;
}

// A labelled native range: arrows, Home, End and the page keys come with it.
function makeSlider(id, name, last, action) {
  const label = make("label", "", name), slider = make("input"), value = make("span", "dlq-value");
  Object.assign(slider, { type: "range", min: 0, max: last, step: 1, id, disabled: last < 1 });
  keepKeys(slider);
  label.htmlFor = id;
  label.title = name;
  slider.addEventListener("input", () => action(+slider.value));
  return { label, slider, value };
}

// Listens to some traits; returns the function that stops listening.
function listen(model, handlers) {
  for (const [key, handler] of Object.entries(handlers)) model.on("change:" + key, handler);
  return () => { for (const [key, handler] of Object.entries(handlers)) model.off("change:" + key, handler); };
}
