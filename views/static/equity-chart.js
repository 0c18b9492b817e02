// The curve of the dashboard: equity above, drawdown below, on one axis of market days. Its figures stand in the page's table.

const HEIGHTS = { equity: 200, drawdown: 90 };
const DAY_SECONDS = 86_400;
/** What is drawn now, and what it depends on besides its figures. */
const drawn = { look: '', figures: '', charts: [], view: undefined };

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const withTrueMinus = (text) => text.replace('-', '−');
const amount = (value) =>
  withTrueMinus(value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 }));
const tickAmount = (value) => withTrueMinus(value.toLocaleString('en-US', { maximumFractionDigits: 2 }));
const shortDate = (seconds) => new Date(seconds * 1_000).toISOString().slice(0, 10);

function viewOf(figures) {
  const { dates, equity, drawdown } = JSON.parse(figures);
  return {
    dates,
    x: dates.map((date) => Date.parse(`${date}T00:00:00Z`) / 1_000),
    // Coordinates of a drawing, no money: what is read stands in the table as it was written.
    equity: equity.map(Number),
    drawdown: drawdown.map(Number),
  };
}

/** One width for both charts, so that one day stands above itself; a label that is cut would be another amount. */
function labelWidthOf({ equity, drawdown }) {
  const longest = Math.max(...[...equity, ...drawdown].map((value) => tickAmount(Math.round(value)).length));
  return Math.max(56, 18 + 7.5 * longest);
}

function optionsFor({ width, height, stroke, fill, showsDates, labelWidth, read }) {
  const axis = {
    stroke: colour('--quiet'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height,
    padding: [10, 36, showsDates ? 0 : 10, 0],
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
        incrs: [1, 2, 5, 10, 30, 60, 90, 180, 365, 730, 1_825].map((days) => days * DAY_SECONDS),
        space: 90,
      },
      { ...axis, size: labelWidth, space: 28, values: (_chart, at) => at.map(tickAmount) },
    ],
    series: [{}, { stroke, fill, width: 1.5, points: { show: false } }],
  };
}

/** Equity above, drawdown below, and the figures of the day under the pointer, else of the last one. */
function build(element, labelWidth) {
  const readout = document.createElement('p');
  readout.className = 'readout';
  const read = (index) => {
    const { dates, equity, drawdown } = drawn.view;
    const at = index ?? dates.length - 1;
    readout.textContent = `${dates[at]}: equity ${amount(equity[at])}, drawdown ${amount(drawdown[at])}`;
  };
  read();
  element.replaceChildren(readout);
  const shared = { width: element.parentElement.clientWidth, labelWidth, read };
  const upper = { ...shared, height: HEIGHTS.equity, stroke: colour('--mark'), showsDates: false };
  const lower = {
    ...shared,
    height: HEIGHTS.drawdown,
    stroke: colour('--down'),
    fill: `${colour('--down')}22`,
    showsDates: true,
  };
  const { x, equity, drawdown } = drawn.view;
  return [
    { chart: new uPlot(optionsFor(upper), [x, equity], element), column: 'equity', read },
    { chart: new uPlot(optionsFor(lower), [x, drawdown], element), column: 'drawdown', read },
  ];
}

function draw() {
  const element = document.querySelector('#equity-chart');
  if (!(element instanceof HTMLElement) || typeof uPlot === 'undefined') return forget();
  const figures = element.dataset.points;
  const view = viewOf(figures);
  const labelWidth = labelWidthOf(view);
  const look = [colour('--text'), colour('--down'), element.parentElement.clientWidth, labelWidth].join(' ');
  const isThere = drawn.charts.length > 0 && drawn.charts.every(({ chart }) => element.contains(chart.root));
  drawn.view = view;
  if (!isThere || drawn.look !== look) {
    forget();
    drawn.charts = build(element, labelWidth);
  } else if (drawn.figures !== figures) {
    for (const { chart, column } of drawn.charts) chart.setData([view.x, view[column]]);
    for (const { chart, read } of drawn.charts) read(chart.cursor.idx);
  }
  drawn.look = look;
  drawn.figures = figures;
}

function forget() {
  for (const { chart } of drawn.charts) chart.destroy();
  drawn.charts = [];
}

draw();
document.addEventListener('portcullis:looked', draw);
addEventListener('resize', draw);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
