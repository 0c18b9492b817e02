// Live pages: when something changed that a page shows, it is asked for again and only what differs is replaced.

const LOOK_INTERVAL_MS = 1_000;
const RETRY_MS = 5_000;
const bar = document.getElementById('bar');
const stale = document.getElementById('stale');
const topics = (document.body.dataset.live ?? '').split(' ').filter(Boolean);

// ---- htmx, for its morph alone: no attribute of a page acts, nothing is evaluated, and nothing but our two pieces is replaced

const text = { createHTML: (given) => given, createScript: () => '' };
const policy = globalThis.trustedTypes?.createPolicy('portcullis', text) ?? text;
class NoCode {
  constructor() {
    throw new Error('pages of the console evaluate nothing');
  }
}
htmx.registerExtension('portcullis', {
  init: (api) => api.initSecurity(policy, NoCode, NoCode),
  htmx_before_process: () => false,
  // What the owner has folded out stays so.
  htmx_before_morph_attr: (element, { attrName }) =>
    !(attrName === 'open' && element.matches('details, dialog')),
  htmx_before_response: (_element, { ctx }) => {
    const { raw } = ctx.response;
    // Signed out: the way back to this page is on the page for signing in.
    if (raw.redirected) location.reload();
    return raw.ok && !raw.redirected;
  },
  htmx_before_swap: (_element, { tasks }) =>
    tasks.every(({ target }) => target?.id === 'live' || target?.id === 'bar'),
});

const ask = (path, options) =>
  htmx.ajax('GET', path, { swap: 'outerMorph', headers: { 'x-portcullis-live': '1' }, ...options });

// ---- the page

let due = false;
let busy = false;
let lastMs = 0;
let timer;

/** Nothing that is being filled in is replaced under the owner's hands. */
const isBeingFilledIn = () => {
  const at = document.activeElement;
  return (
    at instanceof HTMLElement &&
    at.matches('input, select, textarea') &&
    at.closest('#live form:not([data-live])') !== null
  );
};

async function look() {
  if (busy || document.hidden || isBeingFilledIn()) return;
  due = false;
  busy = true;
  try {
    await ask(location.pathname + location.search, {
      target: '#live',
      select: '#live',
      selectOOB: '#bar:outerMorph',
    });
    document.dispatchEvent(new CustomEvent('portcullis:looked'));
  } finally {
    busy = false;
    lastMs = performance.now();
    if (due) later();
  }
}
function later() {
  due = true;
  clearTimeout(timer);
  timer = setTimeout(look, Math.max(0, lastMs + LOOK_INTERVAL_MS - performance.now()));
}

// ---- the top of the page

let asking = false;
/** From a small page: what stands at the top is the same on all. */
async function renewBar() {
  if (asking) return;
  asking = true;
  try {
    await ask('/admin/gate', { target: '#bar', select: '#bar' });
  } finally {
    asking = false;
  }
}
function beat({ accounts, shown }) {
  stale.hidden = true;
  if (document.getElementById('bar').dataset.shown !== shown) {
    void renewBar();
    return;
  }
  for (const { id, ages } of accounts)
    for (const element of document.querySelectorAll('#bar [data-ages]'))
      if (element.dataset.ages === id) element.textContent = ages;
}

// ---- what changes; a window that nobody looks at listens to nothing

let events;
let retry;
function listen() {
  clearTimeout(retry);
  events?.close();
  if (document.hidden) return;
  // Something may have changed between the page and its stream, or while the stream was away.
  const query = new URLSearchParams({ topics: topics.join(','), since: document.body.dataset.since ?? '' });
  events = new EventSource(`/admin/events?${query}`);
  events.addEventListener('change', later);
  events.addEventListener('beat', ({ data }) => beat(JSON.parse(data)));
  events.addEventListener('error', () => {
    stale.hidden = false;
    if (events.readyState !== EventSource.CLOSED) return;
    // Refused: the gateway is stopping, there are too many windows, or the session has ended, which a look finds out.
    retry = setTimeout(listen, RETRY_MS);
    void renewBar();
  });
}
if (bar) {
  listen();
  document.addEventListener('visibilitychange', () => {
    listen();
    if (!document.hidden && topics.length > 0) later();
  });
  document.addEventListener('focusout', () => due && later());
}

// ---- a form is sent once

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.method !== 'post') return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = 'yes';
  event.submitter?.setAttribute('aria-busy', 'true');
});
addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-sent]')) delete form.dataset.sent;
  for (const button of document.querySelectorAll('[aria-busy]')) button.removeAttribute('aria-busy');
});
