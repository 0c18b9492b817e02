// Candles of an instrument's page. The last ones stand in the page's table as they were recorded.

const HEIGHT = 320;
const chart = { element: undefined, own: undefined, series: undefined, drawn: '', look: '' };

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Coordinates of a drawing, no money.
const candle = ([timeMs, open, high, low, close]) => ({
  time: timeMs / 1_000,
  open: Number(open),
  high: Number(high),
  low: Number(low),
  close: Number(close),
});

const looks = () => ({
  layout: {
    background: { type: 'solid', color: 'transparent' },
    textColor: colour('--quiet'),
    fontFamily: getComputedStyle(document.body).fontFamily,
    // The notice and the link stand under the chart: the library's own mark brings a style element, which the policy forbids.
    attributionLogo: false,
  },
  grid: { vertLines: { color: colour('--line') }, horzLines: { color: colour('--line') } },
  rightPriceScale: { borderColor: colour('--line') },
  timeScale: { borderColor: colour('--line') },
});
const candleLooks = (decimals) => ({
  upColor: colour('--up'),
  downColor: colour('--down'),
  wickUpColor: colour('--up'),
  wickDownColor: colour('--down'),
  borderVisible: false,
  priceFormat: { type: 'price', precision: decimals, minMove: 1 / 10 ** decimals },
});

function open(element) {
  element.replaceChildren();
  chart.element = element;
  chart.own = LightweightCharts.createChart(element, {
    ...looks(),
    autoSize: false,
    width: element.parentElement.clientWidth,
    height: HEIGHT,
    localization: { locale: 'en-GB', dateFormat: 'yyyy-MM-dd' },
    handleScroll: { mouseWheel: false, vertTouchDrag: false },
    handleScale: { mouseWheel: false },
  });
  chart.own
    .timeScale()
    .applyOptions({ timeVisible: element.dataset.timeframe !== '1d', secondsVisible: false });
  chart.series = chart.own.addSeries(
    LightweightCharts.CandlestickSeries,
    candleLooks(Number(element.dataset.decimals)),
  );
}

function draw() {
  const element = document.querySelector('#candles');
  if (!(element instanceof HTMLElement) || typeof LightweightCharts === 'undefined') return;
  const isThere = chart.element === element && element.firstElementChild !== null;
  if (!isThere) {
    chart.own?.remove();
    open(element);
    chart.drawn = '';
  }
  const look = `${colour('--text')} ${colour('--up')}`;
  if (isThere && look !== chart.look) {
    chart.own.applyOptions(looks());
    chart.series.applyOptions(candleLooks(Number(element.dataset.decimals)));
  }
  chart.look = look;
  const { bars } = element.dataset;
  if (bars === chart.drawn) return;
  const isFirst = chart.drawn === '';
  chart.drawn = bars;
  chart.series.setData(JSON.parse(bars).map(candle));
  if (isFirst) chart.own.timeScale().fitContent();
}

function widen() {
  if (chart.own && chart.element) chart.own.applyOptions({ width: chart.element.parentElement.clientWidth });
}

draw();
document.addEventListener('portcullis:looked', draw);
addEventListener('resize', widen);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
