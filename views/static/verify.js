// While the record is being verified, its badge looks by itself whether that has ended; nothing else of the page is touched.

// Scripts of a page share one scope.
{
  const BEAT_MS = 2_000;

  /** As a document of its own, in which nothing runs: text is nowhere made into markup. */
  const lookAgain = () =>
    new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.responseType = 'document';
      request.timeout = 10_000;
      request.onloadend = () => resolve(request.status === 200 ? request.response : null);
      request.open('GET', location.pathname + location.search);
      request.setRequestHeader('x-portcullis-live', '1');
      request.send();
    });

  async function beat() {
    const running = document.querySelector('#badge.running');
    if (running && !document.hidden) {
      const next = await lookAgain();
      const fresh = next?.getElementById('badge');
      if (fresh) document.getElementById('badge')?.replaceWith(document.adoptNode(fresh));
    }
    setTimeout(beat, BEAT_MS);
  }
  setTimeout(beat, BEAT_MS);
}
