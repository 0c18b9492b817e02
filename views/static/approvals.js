// How long an order waits still, by the second; without this the page says it as it was when it was made.

// Scripts of a page share one scope.
{
  const BEAT_MS = 1_000;
  const SOON_MS = 60_000;
  const SAID_AT_MS = [60_000, 300_000];
  /** When each ends on this page's clock; the gateway's word for what is left begins it anew. */
  const ends = new WeakMap();
  let saidMs;

  const words = (ms) => {
    const seconds = Math.ceil(ms / 1_000);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  };

  function show(element) {
    const given = element.dataset.leftMs;
    let end = ends.get(element);
    if (end?.given !== given) {
      end = { given, atMs: performance.now() + Number(given) };
      ends.set(element, end);
    }
    const leftMs = Math.max(0, end.atMs - performance.now());
    const text = words(leftMs);
    if (element.textContent !== text) element.textContent = text;
    element.closest('.left').classList.toggle('soon', leftMs <= SOON_MS);
    return leftMs;
  }
  /** Not every second: it would talk over everything else. */
  function say(leftMs) {
    saidMs ??= leftMs;
    const due = SAID_AT_MS.find((atMs) => leftMs <= atMs && saidMs > atMs);
    if (due === undefined) return;
    saidMs = leftMs;
    const minutes = Math.ceil(leftMs / 60_000);
    const status = document.querySelector('[data-left-said]');
    if (status) status.textContent = `${minutes} ${minutes === 1 ? 'minute' : 'minutes'} left to answer`;
  }
  function beat() {
    for (const element of document.querySelectorAll('[data-left-ms]')) say(show(element));
  }
  let waits = document.querySelector('.card-of-approval.waits') !== null;
  /** Decided elsewhere, while the forms were looked at that are gone now: what became of it is what there is to see. */
  function lead() {
    const decision = document.querySelector('.decision');
    if (!waits || decision === null) return;
    waits = false;
    decision.focus({ preventScroll: true });
    decision.scrollIntoView({ block: 'center' });
  }
  beat();
  setInterval(beat, BEAT_MS);
  document.addEventListener('portcullis:looked', beat);
  document.addEventListener('portcullis:looked', lead);
}
