/* People, pay and the plan. */
const STEPS = [
  ["opening", "On 1 January", COLOURS[6], 0],
  ["hires", "Hires", COLOURS[2], 1],
  ["new_hire_leavers", "Hires who left", COLOURS[4], -1],
  ["experienced_leavers", "Experienced leavers", COLOURS[1], -1],
  ["reduction_in_force", "Reduction in force", COLOURS[7], -1],
  ["closing", "On 31 December", COLOURS[0], 0],
];

charts.headcount = (width, state) => {
  const rows = report.headcount.filter((row) => row.scenario === (state.scenario ?? 0));
  const steps = STEPS.filter(([key]) => key !== "reduction_in_force" || rows.some((row) => row[key]));
  const bars = rows.flatMap((row) => {
    let level = 0;
    return steps.map(([key, label, , sign]) => {
      const from = sign === 0 ? 0 : level;
      level = sign === 0 ? row[key] : level + sign * row[key];
      return { year: row.year, key, from, to: level, amount: row[key], sign, text: `${label}, ${row.year}: ${number(row[key])}` };
    });
  });
  const least = rows.length * (steps.length * 9 + 16) + 60;
  const across = Math.max(width, least);
  const room = (across - 70) / (rows.length * (steps.length + 0.6));
  const svg = plot(across, {
    height: Math.round(Math.max(260, Math.min(380, width * 0.45))),
    marginTop: 32,
    fx: { label: null, padding: 0.1, tickFormat: String },
    x: { axis: null, domain: steps.map(([key]) => key), padding: 0.12 },
    y: { label: "people", grid: true, ticks: 6, tickFormat: number },
    color: { domain: steps.map(([key]) => key), range: steps.map(([, , colour]) => colour) },
    marks: [
      Plot.axisFx({ anchor: "bottom", label: null, tickFormat: String }),
      Plot.barY(bars, { fx: "year", x: "key", y1: "from", y2: "to", fill: "key" }),
      Plot.ruleY([0], { stroke: "var(--muted)" }),
      room < 34 ? null : Plot.text(bars, {
        fx: "year", x: "key", y: (bar) => Math.max(bar.from, bar.to), dy: -7, fontSize: 11,
        text: (bar) => `${["−", "", "+"][bar.sign + 1]}${number(bar.amount)}`,
      }),
      Plot.tip(bars, Plot.pointerX({ fx: "year", x: "key", y: "to", title: "text" })),
    ],
  });
  const series = steps.map(([, label, colour]) => ({ label, colour }));
  return { svg, series, choice: true };
};

charts.payroll = (width) => linesByYear(report.headcount, width, {
  value: (row) => row.payroll_cents / 100,
  format: (row) => dollars(row.payroll_cents),
  tick: shortDollars,
  unit: "dollars a year",
});

charts.participation = (width) => linesByYear(report.plan_cost, width, {
  value: (row) => row.participation_rate_e5,
  format: (row) => percent(row.participation_rate_e5),
  tick: percentTick,
  unit: "of the eligible",
});

charts.deferral = (width) => linesByYear(report.plan_cost, width, {
  value: (row) => row.average_deferral_e5,
  format: (row) => percent(row.average_deferral_e5),
  tick: percentTick,
  unit: "of pay",
});

charts.cost = (width) => linesByYear(report.plan_cost, width, {
  value: (row) => row.net_employer_cost_cents / 100,
  format: (row) => `${dollars(row.net_employer_cost_cents)}, ${percent(row.net_cost_share_e5)} of payroll`,
  tick: shortDollars,
  unit: "dollars a year",
});

const MONEY = [
  ["employee_contributions_cents", "Employee contributions", COLOURS[6]],
  ["match_cents", "Match", COLOURS[0]],
  ["core_cents", "Core", COLOURS[1]],
  ["reallocated_cents", "Reallocated forfeitures", COLOURS[3]],
];

charts.money = (width, state) => {
  const rows = report.plan_cost.filter((row) => row.scenario === (state.scenario ?? 0));
  const kinds = MONEY.filter(([key], position) => position < 2 || rows.some((row) => row[key]));
  const years = rows.map((row) => row.year);
  const bars = rows.flatMap((row) => kinds.map(([key, label]) => ({
    year: row.year, key, value: row[key] / 100, text: `${label}, ${row.year}: ${dollars(row[key])}`,
  })));
  const totals = rows.map((row) => d3.sum(kinds, ([key]) => row[key] / 100));
  const step = d3.tickStep(0, d3.max(totals), 5) || 1;
  const svg = plot(width, {
    x: { label: null, domain: years, ticks: yearTicks(years, width), tickFormat: String, padding: 0.25 },
    y: { label: "dollars a year", grid: true, ticks: 5, tickFormat: (each) => shortDollars(each, step) },
    color: { domain: kinds.map(([key]) => key), range: kinds.map(([, , colour]) => colour) },
    marks: [
      Plot.barY(bars, Plot.stackY({ x: "year", y: "value", fill: "key", order: kinds.map(([key]) => key), insetTop: 1 })),
      Plot.ruleY([0], { stroke: "var(--muted)" }),
      Plot.tip(bars, Plot.pointer(Plot.stackY({ x: "year", y: "value", order: kinds.map(([key]) => key), z: "key", title: "text" }))),
    ],
  });
  return { svg, series: kinds.map(([, label, colour]) => ({ label, colour })), choice: true };
};
