// The curve of the dashboard: equity above, drawdown below, on one axis of market days. Its figures stand in the page's table.

const LAYOUT = { equityHeight: 200, drawdownHeight: 90 };
const DAY_MS = 86_400_000;
const charts = { drawn: '', list: [] };

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function seriesOf(points) {
  const x = points.dates.map((date) => Date.parse(`${date}T00:00:00Z`) / 1_000);
  // Coordinates of a drawing, no money: what is read stands in the table as it was written.
  return { x, equity: points.equity.map(Number), drawdown: points.drawdown.map(Number) };
}

const shortDate = (seconds) => new Date(seconds * 1_000).toISOString().slice(0, 10);
const amount = (value) =>
  value === null || value === undefined
    ? '–'
    : value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 }).replace('-', '−');
const tickAmount = (value) => value.toLocaleString('en-US', { maximumFractionDigits: 2 }).replace('-', '−');

function optionsFor({ width, height, stroke, fill, showsDates, read, labelWidth }) {
  const axis = {
    stroke: colour('--quiet'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height,
    padding: [10, 12, showsDates ? 0 : 10, 0],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC'),
    legend: { show: false },
    cursor: { y: false, sync: { key: 'equity' }, drag: { x: false, y: false } },
    hooks: { setCursor: [(chart) => read(chart.cursor.idx)] },
    axes: [
      {
        ...axis,
        show: showsDates,
        size: 32,
        values: (_chart, at) => at.map(shortDate),
        incrs: [1, 2, 5, 10, 30, 60, 90, 180, 365, 730, 1_825].map((days) => (days * DAY_MS) / 1_000),
        space: 90,
      },
      { ...axis, size: labelWidth, space: 28, values: (_chart, at) => at.map(tickAmount) },
    ],
    series: [{}, { stroke, fill, width: 1.5, points: { show: false } }],
  };
}

/** Equity above, drawdown below, and the figures of the day under the pointer, else of the last one. */
function build(element) {
  const points = JSON.parse(element.dataset.points);
  const { x, equity, drawdown } = seriesOf(points);
  const readout = document.createElement('p');
  readout.className = 'readout';
  const read = (index) => {
    const at = index ?? x.length - 1;
    readout.textContent = `${points.dates[at]}: equity ${amount(equity[at])}, drawdown ${amount(drawdown[at])}`;
  };
  read();
  element.replaceChildren(readout);
  const width = element.parentElement.clientWidth;
  // Both the same, so that one day stands above itself; a label that is cut would be another amount.
  const longest = Math.max(...[...equity, ...drawdown].map((value) => tickAmount(Math.round(value)).length));
  const labelWidth = Math.max(56, 18 + 7.5 * longest);
  const upper = { height: LAYOUT.equityHeight, stroke: colour('--mark'), showsDates: false };
  const lower = {
    height: LAYOUT.drawdownHeight,
    stroke: colour('--down'),
    fill: `${colour('--down')}22`,
    showsDates: true,
  };
  return [
    new uPlot(optionsFor({ ...upper, width, labelWidth, read }), [x, equity], element),
    new uPlot(optionsFor({ ...lower, width, labelWidth, read }), [x, drawdown], element),
  ];
}

/** Everything that the drawing depends on. */
const stateOf = (element) =>
  [element.dataset.points, colour('--text'), colour('--up'), element.parentElement.clientWidth].join(' ');

function draw() {
  const element = document.querySelector('#equity-chart');
  if (!(element instanceof HTMLElement) || typeof uPlot === 'undefined') return forget();
  const isThere = charts.list.length > 0 && charts.list.every(({ root }) => element.contains(root));
  const state = stateOf(element);
  if (isThere && charts.drawn === state) return;
  forget();
  charts.list = build(element);
  charts.drawn = state;
}

function forget() {
  for (const chart of charts.list) chart.destroy();
  charts.list = [];
  charts.drawn = '';
}

draw();
document.addEventListener('portcullis:looked', draw);
addEventListener('resize', draw);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
