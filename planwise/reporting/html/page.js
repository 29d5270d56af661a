/* The charts drawn into their places, again where the width or the choice changes; the colours. */
function draw(figure, state) {
  const key = figure.dataset.chart;
  const place = figure.querySelector(".drawn");
  const width = Math.max(260, Math.floor(place.clientWidth));
  if (state.width === width && !state.changed) return;
  state.width = width;
  state.changed = false;
  const { svg, series, choice } = charts[key](width, state);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-labelledby", `name-${key} words-${key}`);
  svg.removeAttribute("aria-label");
  /* Beside its name the sentence under the heading, and where every figure is. */
  const words = d3.create("svg:desc").attr("id", `words-${key}`)
    .text(`${figure.querySelector(`#text-${key}`).textContent} The figures are in the table below.`).node();
  const name = d3.create("svg:title").attr("id", `name-${key}`)
    .text(figure.querySelector("h3").textContent).node();
  svg.prepend(name, words);
  const canvas = element("div", { class: "canvas" }, svg);
  if (Number(svg.getAttribute("width")) > width) {
    canvas.classList.add("wide");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "group");
    canvas.setAttribute("aria-label", `${figure.querySelector("h3").textContent}, scrolls sideways`);
  }
  const focused = place.contains(document.activeElement);
  const control = choice && scenarioChoice(key, state.scenario ?? 0, (scenario) => {
    state.scenario = scenario;
    state.changed = true;
    drawOrSay(figure, state);
  });
  place.replaceChildren(...[control, series.length ? legend(series) : null, canvas].filter(Boolean));
  if (focused) place.querySelector("select")?.focus();
}

/* One chart that cannot be drawn takes neither the others nor its own figures away. */
function drawOrSay(figure, state) {
  try {
    draw(figure, state);
  } catch (error) {
    console.error(error);
    figure.querySelector(".drawn").replaceChildren(
      element("p", { class: "notice" }, "This chart could not be drawn; its figures are in the table below."),
    );
  }
}

function drawAll() {
  const observer = new ResizeObserver((entries) => {
    requestAnimationFrame(() => {
      for (const entry of entries) drawOrSay(entry.target.parentElement, entry.target.state);
    });
  });
  for (const figure of document.querySelectorAll("figure[data-chart]")) {
    const place = figure.querySelector(".drawn");
    place.state = {};
    drawOrSay(figure, place.state);
    observer.observe(place);
  }
}

function colours() {
  const button = document.getElementById("theme");
  const wish = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (document.documentElement.dataset.theme ?? (wish.matches ? "dark" : "light")) === "dark";
  const show = () => button.setAttribute("aria-pressed", String(dark()));
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = dark() ? "light" : "dark";
    show();
  });
  wish.addEventListener("change", show);
  show();
  button.hidden = false;
}

document.documentElement.classList.remove("no-js");
colours();
drawAll();
