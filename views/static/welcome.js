// What the first run waits for shows by itself: only the pieces that say how it stands are looked at again, so that a key that is
// shown once stays where it is.

// Scripts of a page share one scope.
{
  const BEAT_MS = 1_500;
  const PATIENCE_MS = 10_000;

  /** As a document of its own, in which nothing runs: text is nowhere made into markup. */
  const documentAt = (path) =>
    new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.responseType = 'document';
      request.timeout = PATIENCE_MS;
      request.onloadend = () => resolve(request.status === 200 ? request.response : null);
      request.open('GET', path);
      request.setRequestHeader('x-portcullis-live', '1');
      request.send();
    });

  async function look() {
    const waiting = [...document.querySelectorAll('[data-look]')];
    if (waiting.length === 0 || document.hidden) return;
    const next = await documentAt(waiting[0].dataset.look);
    for (const piece of waiting) {
      const fresh = next?.getElementById(piece.id);
      if (fresh && fresh.innerHTML !== piece.innerHTML && !piece.contains(document.activeElement))
        piece.replaceChildren(...fresh.childNodes);
    }
  }

  async function beat() {
    await look();
    setTimeout(beat, BEAT_MS);
  }
  setTimeout(beat, BEAT_MS);

  // The name that an empty field gives is the host's.
  const host = document.getElementById('agent-host');
  const name = document.getElementById('agent-name');
  if (host && name) {
    const suggest = () => {
      name.placeholder = host.value;
    };
    host.addEventListener('change', suggest);
    suggest();
  }
}
