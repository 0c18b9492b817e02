// What the first run waits for shows by itself: only the pieces that say how it stands are looked at again, so that a key that is
// shown once stays where it is.

// Scripts of a page share one scope.
{
  const BEAT_MS = 1_500;

  async function look() {
    const waiting = [...document.querySelectorAll('[data-look]')];
    if (waiting.length === 0 || document.hidden) return;
    const answer = await fetch(waiting[0].dataset.look, { headers: { 'x-portcullis-live': '1' } });
    if (!answer.ok || answer.redirected) return;
    const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
    for (const piece of waiting) {
      const fresh = next.getElementById(piece.id);
      if (fresh && fresh.innerHTML !== piece.innerHTML && !piece.contains(document.activeElement))
        piece.replaceChildren(...fresh.childNodes);
    }
  }

  async function beat() {
    try {
      await look();
    } finally {
      setTimeout(beat, BEAT_MS);
    }
  }
  setTimeout(beat, BEAT_MS);
}
