// CompareTraversal: one traversal a model (traversal.js, unchanged), their pictures in one row, linked sliders.

// What a traversal sees of the comparison: its own code, atlas and problem, and what stays the same.
function sideModel(model, k, moved) {
  const parts = { code: "codes", problem: "problems" }, handlers = {};
  let atlas = model.get("atlases")["model" + k];
  const emit = (key) => [...(handlers["change:" + key] ?? [])].forEach((handler) => handler());
  const stop = listen(model, {
    codes: () => emit("code"),
    problems: () => emit("problem"),
    atlases: () => {
      const next = model.get("atlases")["model" + k];
      if (next.image === atlas.image && next.anchor.join() === atlas.anchor.join()) return;
      atlas = next;
      emit("atlas");
    },
  });
  return {
    stop,
    get: (key) => (key === "atlas" ? atlas : key === "live" ? model.get("live") : key in parts ? model.get(parts[key])[k] : model.get("sides")[k][key]),
    set(key, code) { // a traversal sets nothing but its code
      const codes = model.get("codes"), before = codes[k];
      model.set("codes", codes.map((old, j) => (j === k ? code : old)));
      moved(before, code);
    },
    on: (event, handler) => (handlers[event] ??= []).push(handler),
    off: (event, handler) => { handlers[event] = (handlers[event] ?? []).filter((h) => h !== handler); },
    save_changes: () => model.save_changes(),
  };
}

function render({ model, el }) {
  const titles = model.get("titles"), say = makeWording(model), links = model.get("links"), root = makeRoot("dlq-compare"), ends = [];
  const top = make("div", "dlq-top"), pictures = make("div", "dlq-pictures"), original = make("img"), first = make("figure");
  root.style.setProperty("--dlq-tile", model.get("sides")[0].tile + "px");
  original.src = model.get("original");
  original.alt = say("original_image");
  first.append(original, make("figcaption", "", say("original")));
  pictures.append(first);
  top.append(pictures, ...(links.length ? [together()] : []));
  root.append(top);
  el.append(root);
  let following = false;
  const sections = titles.map(side);

  function together() {
    const label = make("label", "dlq-together"), box = make("input");
    Object.assign(box, { type: "checkbox", checked: model.get("linked") });
    keepKeys(box);
    box.addEventListener("change", () => { model.set("linked", box.checked); model.save_changes(); });
    ends.push(listen(model, { linked: () => { box.checked = model.get("linked"); } }));
    label.append(box, make("span", "", say("together")));
    return label;
  }
  function side(title, k) {
    const section = make("section"), own = sideModel(model, k, (before, after) => follow(k, before, after));
    section.setAttribute("aria-label", title);
    root.append(section);
    const close = traversal.render({ model: own, el: section }), view = section.firstChild, picture = view.querySelector(".dlq-pictures figure");
    view.querySelector(".dlq-pictures").remove();
    pictures.append(picture);
    // The picture has left the traversal, whose class says how it is to be drawn.
    const classes = () => { for (const name of ["dlq-waiting", "dlq-unseen"]) picture.classList.toggle(name, view.classList.contains(name)); };
    const watcher = new MutationObserver(classes);
    watcher.observe(view, { attributes: true, attributeFilter: ["class"] });
    ends.push(() => watcher.disconnect(), own.stop, close);
    return section;
  }
  // Others follow as if their own slider were moved, so that a page sends home what it must.
  function follow(k, before, after) {
    if (following || !model.get("linked")) return;
    following = true;
    for (const { from, slider, to, target, levels } of links) {
      if (from !== k || before[slider] === after[slider]) continue;
      const input = sections[to].querySelectorAll('input[type="range"]')[target];
      input.value = levels[after[slider]];
      input.dispatchEvent(new Event("input"));
    }
    following = false;
  }
  return () => { for (const end of ends) end(); root.remove(); };
}

export default { render };
