// What Jupyter would give a widget's module (anywidget's front-end contract), for a page without a kernel.
class Model {
  constructor(state) { this.state = state; this.handlers = {}; }
  get(key) { return this.state[key]; }
  set(key, value) {
    this.state[key] = value;
    for (const handler of [...(this.handlers["change:" + key] ?? [])]) handler();
  }
  on(event, handler) { (this.handlers[event] ??= []).push(handler); }
  off(event, handler) { this.handlers[event] = (this.handlers[event] ?? []).filter((h) => handler && h !== handler); }
  save_changes() {}
  send() {}
}
async function host(exported, state, el) {
  const widget = typeof exported === "function" ? await exported() : exported, model = new Model(state);
  await widget.initialize?.({ model });
  return widget.render?.({ model, el });
}
