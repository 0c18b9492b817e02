// Live pages: when something changed that this page shows, it is asked for again and only what differs is replaced.

const BEAT_MS = 1_000;
const topics = new Set((document.body.dataset.live ?? '').split(' ').filter(Boolean));

let due = false;
let busy = false;
let lastMs = 0;

/** Nothing that is being filled in is replaced under the owner's hands; the page's own pieces keep what they hold. */
const isBusyTyping = () => {
  const at = document.activeElement;
  return (
    at instanceof HTMLElement &&
    at.closest('#live form:not([data-live])') !== null &&
    at.matches('input, select, textarea')
  );
};

async function look() {
  if (busy || document.hidden || isBusyTyping()) return;
  due = false;
  busy = true;
  try {
    await htmx.ajax('GET', location.href, {
      target: '#live',
      select: '#live',
      swap: 'outerMorph',
      headers: { 'x-portcullis-live': '1' },
    });
    document.dispatchEvent(new CustomEvent('portcullis:looked'));
  } finally {
    busy = false;
    lastMs = Date.now();
    if (due) later();
  }
}
let timer;
function later() {
  due = true;
  clearTimeout(timer);
  timer = setTimeout(look, Math.max(50, lastMs + BEAT_MS - Date.now()));
}

if (topics.size > 0) {
  const events = new EventSource(`/admin/events?topics=${[...topics].join(',')}`);
  events.addEventListener('change', later);
  document.addEventListener('visibilitychange', () => due && later());
  document.addEventListener('focusout', () => due && later());
}
