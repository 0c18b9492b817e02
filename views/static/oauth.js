// The page that waits for the owner looks by itself whether there is a decision. Without this the browser loads it anew.

{
  const LOOK_MS = 4_000;
  const LOOK_AFTER_TROUBLE_MS = 20_000;
  const waiting = document.querySelector('[data-waits]');
  let planned;

  const plan = (afterMs) => {
    clearTimeout(planned);
    planned = setTimeout(look, afterMs);
  };
  async function look() {
    try {
      const answer = await fetch(waiting.dataset.waits, { cache: 'no-store' });
      if (!answer.ok) return plan(LOOK_AFTER_TROUBLE_MS);
      const { waits } = await answer.json();
      if (waits) return plan(LOOK_MS);
      // The page may stand as the answer to a form, which is not to be sent again.
      location.replace(waiting.dataset.page);
    } catch {
      plan(LOOK_AFTER_TROUBLE_MS);
    }
  }

  if (waiting) {
    plan(LOOK_MS);
    // The owner comes back from the tab where they approved.
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) plan(0);
    });
  }
}
