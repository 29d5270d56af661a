/* What each plugin contributes, and how long each combination takes. */
charts.contributions = (width) => {
  const rows = report.bench.contributions.map((row) => ({
    ...row, text: `${isolated(row.name)}: ${row.ratio.toFixed(3)} (${row.low.toFixed(3)} to ${row.high.toFixed(3)})`,
  }));
  const ends = rows.flatMap((row) => [row.low, row.ratio, row.high]).map((value) => Math.abs(Math.log(value)));
  const span = Math.exp(Math.max(Math.log(1.05), ...ends) * 1.08);
  const margin = Math.min(Math.round(width * 0.4), 22 + 7.6 * Math.min(24, d3.max(rows, (row) => row.name.length) ?? 0));
  const fits = Math.floor((margin - 14) / 7.6);
  const svg = plot(width, {
    height: 56 + 30 * rows.length,
    marginTop: 6,
    marginBottom: 48,
    marginLeft: margin,
    marginRight: 20,
    x: {
      type: "log", label: "time with it over time without", domain: [1 / span, span], grid: true, ticks: 4,
      tickFormat: (value) => String(Number(value.toPrecision(3))),
    },
    y: {
      label: null, domain: rows.map((row) => row.name), padding: 0.3,
      tickFormat: shortened(fits),
    },
    marks: [
      Plot.barX(rows, { x1: 1, x2: "ratio", y: "name", fill: (row) => (row.ratio <= 1 ? "saves" : "costs") }),
      Plot.ruleY(rows, { x1: "low", x2: "high", y: "name", stroke: "var(--ink)", strokeWidth: 1.5 }),
      Plot.ruleX([1], { stroke: "var(--ink)" }),
      Plot.tip(rows, Plot.pointerY({ x: "ratio", y: "name", title: "text" })),
    ],
    color: { domain: ["saves", "costs"], range: [COLOURS[0], COLOURS[1]] },
  });
  return { svg, series: [{ label: "saves time", colour: COLOURS[0] }, { label: "costs time", colour: COLOURS[1] }] };
};

charts.combinations = (width) => {
  const rows = report.bench.arms.map((row) => ({ ...row, text: `${isolated(row.name)}: ${seconds(row.wall_s)}` }))
    .sort((a, b) => a.wall_s - b.wall_s);
  const margin = Math.min(Math.round(width * 0.5), 16 + 7 * Math.min(44, d3.max(rows, (row) => row.name.length) ?? 0));
  const fits = Math.floor((margin - 14) / 7.6);
  const svg = plot(width, {
    height: 56 + 22 * rows.length,
    marginTop: 6,
    marginBottom: 48,
    marginLeft: margin,
    marginRight: 56,
    x: { label: "seconds", grid: true, ticks: width < 420 ? 3 : 6 },
    y: {
      label: null, domain: rows.map((row) => row.name), padding: 0.25,
      tickFormat: shortened(fits),
    },
    marks: [
      Plot.barX(rows, { x: "wall_s", y: "name", fill: COLOURS[0] }),
      Plot.text(rows, { x: "wall_s", y: "name", text: (row) => seconds(row.wall_s), textAnchor: "start", dx: 4 }),
      Plot.tip(rows, Plot.pointerY({ x: "wall_s", y: "name", title: "text" })),
    ],
  });
  return { svg, series: [] };
};
