// Draws the charts of the page of `chatd bench --html`, in the browser after uPlot. Each figure has its chart as JSON, a
// `Chart` of charts.ts.

const barHeight = 32;
const lineChartHeight = 310;

/** Formats a value; nothing without a value or a cursor. */
function format(/** @type {number | null | undefined} */ value) {
  if (value === null || value === undefined) return "";
  return value.toLocaleString("en", { maximumFractionDigits: value < 1 ? 3 : value < 100 ? 1 : 0 });
}

/** Returns a function, because the color changes with the color scheme of the reader. */
function pageColor(/** @type {string} */ property) {
  return () => getComputedStyle(document.documentElement).getPropertyValue(property);
}

function axis(options) {
  const font = "12px system-ui";
  const line = { stroke: pageColor("--line"), width: 1 };
  return {
    stroke: pageColor("--faint"),
    font,
    labelFont: font,
    labelSize: 20,
    size: 34,
    grid: line,
    ticks: line,
    ...options,
  };
}

/** Returns 1, 2 and 5 of each power of ten, from `min` to `max`. */
function logarithmicSplits(min, max) {
  const splits = [];
  for (let power = Math.floor(Math.log10(min)); 10 ** power <= max; power++) {
    for (const digit of [1, 2, 5]) splits.push(Number(`${digit}e${power}`));
  }
  return splits.filter((split) => split >= min && split <= max);
}

/** Returns the data and options of uPlot for a `LineChart`. */
function lineChart({ positionLabel, valueLabel, isLogarithmic, isSmooth, positions, series }) {
  const paths = isSmooth ? uPlot.paths.spline() : uPlot.paths.linear();
  return {
    data: [positions, ...series.map(({ values }) => values)],
    options: {
      height: lineChartHeight,
      scales: {
        x: { time: false, distr: isLogarithmic ? 3 : 1, range: (_, min, max) => [min, max] },
        y: { range: (_, __, max) => [0, (max || 1) * 1.05] },
      },
      axes: [
        axis({
          label: positionLabel,
          values: (_, splits) => splits.map(String),
          ...(isLogarithmic && {
            splits: (_, __, min, max) => logarithmicSplits(min, max),
            filter: (_, splits) => splits,
          }),
        }),
        axis({ label: valueLabel, size: 64, values: (_, splits) => splits.map(format) }),
      ],
      series: [
        { label: positionLabel, value: (_, value) => format(value) },
        ...series.map(({ name, color, isDashed }) => ({
          label: name,
          stroke: color,
          width: 2,
          dash: isDashed ? [5, 3] : undefined,
          paths,
          points: { show: false },
          spanGaps: true,
          value: (_, value) => format(value),
        })),
      ],
    },
  };
}

/** Returns the data and options of uPlot for a `BarChart`: its x axis is the vertical one, and goes down. */
function barChart({ valueLabel, systems, series }) {
  /** For each series, where its part of each bar ends. */
  const ends = [];
  for (const { values } of series) ends.push(values.map((value, i) => (ends.at(-1)?.[i] ?? 0) + (value ?? 0)));
  const longest = Math.max(...ends.at(-1)) || 1;
  const startOf = (k, i) => k === 0 ? 0 : ends[k - 1][i];
  const indices = systems.map((_, i) => i);

  function drawValues(plot) {
    const { ctx } = plot;
    ctx.save();
    ctx.font = `${12 * devicePixelRatio}px system-ui`;
    ctx.fillStyle = "white";
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    for (const [k, { values }] of series.entries()) {
      for (const [i, value] of values.entries()) {
        if (value === null || value <= longest / 25) continue;
        const middle = startOf(k, i) + value / 2;
        ctx.fillText(value.toFixed(value < 10 ? 1 : 0), plot.valToPos(middle, "y", true), plot.valToPos(i, "x", true));
      }
    }
    ctx.restore();
  }

  return {
    data: [indices, ...series.map(({ values }) => values)],
    options: {
      height: 56 + barHeight * systems.length,
      cursor: { x: false, y: false, points: { show: false }, drag: { x: false, y: false } },
      hooks: { draw: [drawValues] },
      scales: {
        x: { time: false, ori: 1, dir: -1, range: [-0.5, systems.length - 0.5] },
        y: { ori: 0, range: [0, longest * 1.02] },
      },
      axes: [
        axis({ side: 3, size: 110, splits: () => indices, values: () => systems, grid: { show: false } }),
        axis({ side: 2, space: 70, label: valueLabel, values: (_, splits) => splits.map(format) }),
      ],
      series: [
        { label: "system", value: (_, i) => systems[i] ?? "" },
        ...series.map(({ name, color }, k) => ({
          label: name,
          fill: color,
          width: 0,
          paths: uPlot.paths.bars({
            size: [0.8, barHeight],
            disp: {
              y0: { unit: 1, values: () => indices.map((i) => startOf(k, i)) },
              y1: { unit: 1, values: () => ends[k] },
            },
          }),
          points: { show: false },
          value: (_, value) => format(value),
        })),
      ],
    },
  };
}

/** Draws the chart of a figure, as wide as the figure is. */
function drawFigure(figure) {
  const chart = JSON.parse(figure.querySelector("script").textContent);
  const place = figure.querySelector(".chart");
  const { data, options } = (chart.kind === "bars" ? barChart : lineChart)(chart);
  const plot = new uPlot({ ...options, width: place.clientWidth }, data, place);
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: options.height })).observe(place);
  return plot;
}

const plots = [...document.querySelectorAll("figure")].map(drawFigure);
matchMedia("(prefers-color-scheme: dark)").addEventListener(
  "change",
  () => plots.forEach((plot) => plot.redraw(false)),
);
