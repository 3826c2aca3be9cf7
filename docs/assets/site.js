// Live figures over their stored pictures, and widget frames as high as their widget. Nothing is fetched from elsewhere.
(() => {
  const here = document.currentScript.src;
  let plotly; // loaded once, when the first figure comes near the screen

  function load() {
    plotly ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL("plotly.min.js", here);
      script.onload = () => resolve(window.Plotly);
      script.onerror = reject;
      document.head.append(script);
    });
    return plotly;
  }

  async function draw(box) {
    const { data, layout, config } = JSON.parse(box.querySelector("script").textContent);
    const library = await load();
    const plot = document.createElement("div");
    plot.className = "dlq-plot";
    box.append(plot);
    await library.newPlot(plot, data, { ...layout, autosize: true }, { displaylogo: false, displayModeBar: false, ...config, responsive: true });
    box.querySelector("img")?.remove();
    box.dataset.live = "1";
  }

  const near = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        draw(target).catch(() => {}); // the stored picture stays
      }
    },
    { rootMargin: "600px" },
  );
  document.querySelectorAll(".dlq-figure").forEach((box) => near.observe(box));

  // What scrolls sideways is reached by keyboard too.
  function reachable() {
    for (const box of document.querySelectorAll("article pre")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  }
  reachable();
  addEventListener("resize", reachable);

  // A page from a disk may not look into its frames: there they keep the height of the style sheet and scroll.
  function fit(frame) {
    const inside = frame.contentDocument;
    if (!inside?.body) return;
    const settle = () => { frame.style.height = `${Math.ceil(inside.body.getBoundingClientRect().height) + 2}px`; };
    new (frame.contentWindow.ResizeObserver)(settle).observe(inside.body);
    settle();
  }
  document.querySelectorAll(".dlq-frame iframe").forEach((frame) => {
    frame.addEventListener("load", () => fit(frame));
    if (frame.contentDocument?.readyState === "complete") fit(frame);
  });
})();
