"use strict";
/* What every chart needs. Text from a run becomes text nodes or text of SVG, never markup. */
const report = JSON.parse(document.getElementById("report-data").textContent);
const charts = {};
const COLOURS = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6", "--c7", "--c8"].map(
  (name) => `var(${name})`,
);
const SHAPES = ["circle", "square", "triangle", "diamond", "star", "cross", "wye", "times"];

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const number = (value) => whole.format(value);
const dollars = (cents) => `${cents < 0 ? "-" : ""}$${whole.format(Math.abs(cents) / 100)}`;
/* For an axis whose ticks are so far apart: with the digits that tell one from the next. */
function shortDollars(value, step) {
  const digits = value ? Math.ceil(Math.log10(Math.abs(value) / step) - 1e-9) + 1 : 1;
  const form = { maximumSignificantDigits: Math.max(2, Math.min(15, digits)), notation: "compact" };
  return `${value < 0 ? "-" : ""}$${Math.abs(value).toLocaleString("en-US", form)}`;
}
const percentTick = (e5, step) => percent(e5, Math.max(0, -Math.floor(Math.log10(step / 1000) + 1e-9)));
const percent = (e5, digits = 2) => `${(e5 / 1000).toFixed(digits)}\u00a0%`;
const seconds = (value) => `${value.toLocaleString("en-US", { maximumSignificantDigits: 3 })}\u00a0s`;
const mebibytes = (bytes) => `${(bytes / 1048576).toLocaleString("en-US", { maximumFractionDigits: 1 })}\u00a0MiB`;
/* A name keeps its own direction inside a line of other text. */
const isolated = (text) => `\u2068${text}\u2069`;

/* A name on an axis, in so many signs at the most. */
const shortened = (fits) => (text) => (text.length > fits ? `${text.slice(0, fits - 1)}…` : text);

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/* Series: [{label, colour, shape}], the shape left out where areas are drawn. */
function legend(series) {
  const list = element("ul", { class: "legend" });
  for (const each of series) {
    const swatch = d3.create("svg:svg").attr("width", 12).attr("height", 12)
      .attr("viewBox", "-6 -6 12 12").attr("aria-hidden", "true");
    if (each.shape) {
      const symbol = d3[`symbol${each.shape[0].toUpperCase()}${each.shape.slice(1)}`];
      swatch.append("path").attr("d", d3.symbol(symbol, 60)()).attr("fill", each.colour);
    } else {
      swatch.append("rect").attr("x", -6).attr("y", -6).attr("width", 12).attr("height", 12)
        .attr("rx", 2).attr("fill", each.colour);
    }
    list.append(element("li", {}, swatch.node(), element("bdi", {}, each.label)));
  }
  return list;
}

/* A choice of scenario above a chart; nothing where there is one scenario. */
function scenarioChoice(key, chosen, redraw) {
  if (report.scenarios.length < 2) return null;
  const select = element("select", { id: `choice-${key}` });
  report.scenarios.forEach((label, position) => {
    const option = element("option", { value: String(position) }, label);
    option.selected = position === chosen;
    select.append(option);
  });
  select.addEventListener("change", () => redraw(Number(select.value)));
  return element("label", { class: "control" }, "Scenario", select);
}

function plot(width, options) {
  return Plot.plot({
    width,
    height: Math.round(Math.max(220, Math.min(340, width * 0.5))),
    marginTop: 30,
    marginLeft: 56,
    style: { background: "transparent", color: "var(--ink)", fontFamily: "inherit", fontSize: "12px" },
    ...options,
  });
}

/* The years on an axis; of many, as many as there is room for. */
function yearTicks(years, width) {
  const step = Math.ceil(years.length / Math.max(2, Math.floor(width / 48)));
  return years.filter((_, position) => position % step === 0);
}

/* A line for each scenario, with a shape of its own at each year. */
function linesByYear(rows, width, { value, format, tick, unit }) {
  const drawn = rows.filter((row) => row.scenario < COLOURS.length);
  const years = [...new Set(drawn.map((row) => row.year))].sort((a, b) => a - b);
  const labels = report.scenarios.slice(0, COLOURS.length);
  const positions = labels.map((_, position) => position);
  const points = drawn.map((row) => ({
    year: row.year,
    scenario: row.scenario,
    value: value(row),
    text: `${isolated(labels[row.scenario])}, ${row.year}: ${format(row)}`,
  }));
  /* Where scenarios have the same figures, their lines lie on one another: the earlier one is
     drawn wider, so that it shows from under the later ones. */
  const at = new Map(points.map((point) => [`${point.scenario} ${point.year}`, point.value]));
  const covered = (scenario) => positions.filter((other) => other > scenario
    && years.some((year) => at.has(`${other} ${year}`) && at.get(`${other} ${year}`) === at.get(`${scenario} ${year}`))).length;
  const [least, most] = d3.extent(points, (point) => point.value);
  const step = d3.tickStep(least, most, 5) || 1;
  const svg = plot(width, {
    x: { label: null, domain: years, type: "point", ticks: yearTicks(years, width), tickFormat: String },
    y: { label: unit, grid: true, nice: true, ticks: 5, tickFormat: (each) => tick(each, step) },
    color: { type: "categorical", domain: positions, range: COLOURS.slice(0, labels.length) },
    symbol: { domain: positions, range: SHAPES.slice(0, labels.length) },
    marks: [
      labels.map((_, scenario) => {
        const own = points.filter((point) => point.scenario === scenario);
        const wider = covered(scenario) * Math.min(1.6, 5 / labels.length);
        return [
          Plot.lineY(own, { x: "year", y: "value", stroke: "scenario", strokeWidth: 2 + 2 * wider }),
          Plot.dot(own, { x: "year", y: "value", fill: "scenario", symbol: "scenario", r: 4 + 1.5 * wider }),
        ];
      }),
      Plot.tip(points, Plot.pointer({ x: "year", y: "value", title: "text" })),
    ],
  });
  const series = labels.map((label, position) => ({
    label, colour: COLOURS[position], shape: SHAPES[position],
  }));
  return { svg, series: labels.length > 1 ? series : [] };
}
