/* How the run went. */
charts.timeline = (width) => {
  const run = report.run;
  const executors = [...new Set(run.models.map((model) => model.by))].sort();
  const colour = (by) => COLOURS[executors.indexOf(by) % 6];
  const lanes = Array.from({ length: run.lanes }, (_, n) => (run.lanes === 1 ? "models" : `lane ${n + 1}`));
  const storing = run.phases.filter((phase) => phase.storing);
  const domain = ["phases", "batches", ...lanes, ...(storing.length ? ["storing"] : [])];
  const phases = run.phases.filter((phase) => phase.start_s !== null);
  const bars = [
    ...phases.map((phase, n) => ({
      lane: "phases", from: phase.start_s, wall: phase.wall_s, fill: n % 2 ? "var(--c6)" : "var(--c7)",
      text: `${phase.phase}: ${seconds(phase.wall_s)}`, label: phase.phase.replace("year ", ""),
    })),
    ...run.batches.map((batch, n) => ({
      lane: "batches", from: batch.start_s, wall: batch.wall_s, fill: n % 2 ? "var(--c6)" : "var(--c7)",
      text: `${batch.phase}, batch ${batch.batch}: ${number(batch.models)} models, ${seconds(batch.wall_s)}`,
    })),
    ...run.models.map((model) => ({
      lane: lanes[model.lane - 1], from: model.start_s, wall: model.wall_s, fill: colour(model.by),
      critical: model.critical,
      text: `${isolated(model.model)}, ${model.phase}: ${seconds(model.wall_s)} by ${isolated(model.by)}${model.critical ? ", on the critical path" : ""}`,
    })),
    ...storing.map((phase) => ({
      lane: "storing", from: phase.storing.start_s, wall: phase.storing.wall_s, fill: "var(--c8)",
      text: `storing ${phase.phase}: ${seconds(phase.storing.wall_s)}`,
    })),
  ];
  for (const bar of bars) bar.to = bar.from + bar.wall;
  const across = Math.max(width, 560);
  const scale = (across - 90) / run.wall_s;
  const critical = bars.filter((bar) => bar.critical);
  const svg = plot(across, {
    height: 54 + 32 * domain.length,
    marginTop: 6,
    marginBottom: 48,
    marginLeft: 64,
    x: { label: "seconds since the run began", grid: true, domain: [0, run.wall_s], tickFormat: (value) => String(value) },
    y: { label: null, domain, padding: 0.22 },
    marks: [
      Plot.barX(bars, { x1: "from", x2: "to", y: "lane", fill: "fill" }),
      /* A gap between neighbours that are wide enough to have one. */
      Plot.ruleX(bars.filter((bar) => bar.wall * scale > 4), { x: "to", y: "lane", stroke: "var(--panel)", strokeWidth: 0.75 }),
      Plot.barX(critical, { x1: "from", x2: "to", y: "lane", fill: "var(--ink)", insetTop: 19 }),
      Plot.text(bars.filter((bar) => bar.label && bar.wall * scale > 7 * bar.label.length + 6), {
        x: (bar) => bar.from + bar.wall / 2, y: "lane", text: "label", fill: "var(--panel)", fontWeight: 600,
      }),
      Plot.tip(bars, Plot.pointer({ x: (bar) => bar.from + bar.wall / 2, y: "lane", title: "text" })),
    ],
  });
  const series = [
    ...executors.map((by) => ({ label: `by ${by}`, colour: colour(by) })),
    { label: "on the critical path", colour: "var(--ink)" },
    ...(storing.length ? [{ label: "storing a state", colour: "var(--c8)" }] : []),
  ];
  return { svg, series };
};

charts.phases = (width) => {
  const rows = report.run.phases;
  const parts = [["models_s", "Models", COLOURS[0]], ["rest_s", "Rest", COLOURS[6]]];
  const domain = rows.map((row) => row.phase);
  const bars = rows.flatMap((row) => parts.map(([key, label]) => ({
    phase: row.phase, key, value: row[key], text: `${row.phase}, ${label.toLowerCase()}: ${seconds(row[key])}`,
  })));
  const most = d3.max(rows, (row) => row.wall_s);
  /* A baseline far off would leave no room for what is compared with it: the table has it. */
  const near = rows.filter((row) => row.baseline_s !== null && row.baseline_s <= 8 * most);
  const svg = plot(width, {
    height: 56 + 28 * rows.length,
    marginTop: 6,
    marginBottom: 48,
    marginLeft: 16 + 6 * d3.max(domain, (name) => name.length),
    x: { label: "seconds", grid: true, ticks: 5 },
    y: { label: null, domain, padding: 0.25 },
    color: { domain: parts.map(([key]) => key), range: parts.map(([, , colour]) => colour) },
    marks: [
      Plot.barX(bars, Plot.stackX({ x: "value", y: "phase", fill: "key", order: parts.map(([key]) => key), insetRight: 1 })),
      Plot.tickX(near, { x: "baseline_s", y: "phase", stroke: "var(--c8)", strokeWidth: 3 }),
      Plot.tip(bars, Plot.pointer(Plot.stackX({ x: "value", y: "phase", z: "key", order: parts.map(([key]) => key), title: "text" }))),
    ],
  });
  const series = parts.map(([, label, colour]) => ({ label, colour }));
  if (near.length) series.push({ label: `Baseline (${report.run.baseline})`, colour: "var(--c8)" });
  else if (rows.some((row) => row.baseline_s !== null)) {
    series.push({ label: `Baseline (${report.run.baseline}): beyond this scale, in the table`, colour: "var(--c8)" });
  }
  return { svg, series };
};

charts.slowest = (width) => {
  const rows = report.run.slowest.map((row) => ({ ...row, text: `${isolated(row.model)}: ${seconds(row.wall_s)}` }));
  const longest = Math.min(34, d3.max(rows, (row) => row.model.length) ?? 0);
  const margin = Math.min(Math.round(width * 0.45), 16 + 7 * longest);
  const fits = Math.floor((margin - 12) / 6.6);
  const svg = plot(width, {
    height: 56 + 24 * rows.length,
    marginTop: 6,
    marginBottom: 48,
    marginLeft: margin,
    marginRight: 48,
    x: { label: "seconds", grid: true, ticks: width < 420 ? 3 : 6 },
    y: { label: null, domain: rows.map((row) => row.model), tickFormat: shortened(fits), padding: 0.25 },
    marks: [
      Plot.barX(rows, { x: "wall_s", y: "model", fill: COLOURS[0] }),
      Plot.text(rows, { x: "wall_s", y: "model", text: (row) => seconds(row.wall_s), textAnchor: "start", dx: 4 }),
      Plot.tip(rows, Plot.pointerY({ x: "wall_s", y: "model", title: "text" })),
    ],
  });
  return { svg, series: [] };
};

charts.memory = (width) => {
  const rows = report.run.phases.map((row) => ({
    name: row.phase.replace("year ", ""), value: row.peak_rss_bytes / 1048576,
    text: `${row.phase}: ${mebibytes(row.peak_rss_bytes)}`,
  }));
  const names = rows.map((row) => row.name);
  const svg = plot(width, {
    x: { label: null, domain: names, ticks: yearTicks(names, width * 0.65), padding: 0.3 },
    y: { label: "MiB, peak so far", grid: true, ticks: 5, tickFormat: number },
    marks: [
      Plot.barY(rows, { x: "name", y: "value", fill: COLOURS[5] }),
      Plot.ruleY([0], { stroke: "var(--muted)" }),
      Plot.tip(rows, Plot.pointerX({ x: "name", y: "value", title: "text" })),
    ],
  });
  return { svg, series: [] };
};

charts.checkpoints = (width) => {
  const kinds = [["raw_bytes", "In memory", COLOURS[6]], ["stored_bytes", "Stored", COLOURS[2]]];
  const rows = report.run.checkpoints;
  const years = rows.map((row) => row.year);
  const bars = rows.flatMap((row) => kinds.map(([key, label]) => ({
    year: row.year, key, value: row[key] / 1048576, text: `${label}, ${row.year}: ${mebibytes(row[key])}`,
  })));
  const keys = kinds.map(([key]) => key);
  const ticks = yearTicks(years, width);
  const svg = plot(width, {
    fx: { axis: null, domain: years, padding: 0.2 },
    x: { axis: null, domain: keys, padding: 0.1 },
    y: { label: "MiB", grid: true, ticks: 5 },
    color: { domain: keys, range: kinds.map(([, , colour]) => colour) },
    marks: [
      Plot.axisFx({ anchor: "bottom", label: null, ticks, tickFormat: String }),
      Plot.barY(bars, { fx: "year", x: "key", y: "value", fill: "key" }),
      Plot.ruleY([0], { stroke: "var(--muted)" }),
      Plot.tip(bars, Plot.pointerX({ fx: "year", x: "key", y: "value", title: "text" })),
    ],
  });
  return { svg, series: kinds.map(([, label, colour]) => ({ label, colour })) };
};
