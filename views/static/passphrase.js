// Fields of a passphrase: a button that shows what was typed, and where one is chosen a word on it. Both work without.

// Scripts of a page share one scope.
{
  function button(input) {
    const toggle = document.createElement('button');
    toggle.type = 'button';
    toggle.className = 'link reveal';
    const what = input.labels[0]?.textContent.toLowerCase() ?? 'passphrase';
    const show = (shown) => {
      input.type = shown ? 'text' : 'password';
      toggle.textContent = shown ? 'Hide' : 'Show';
      toggle.setAttribute('aria-label', `${toggle.textContent} the ${what}`);
    };
    toggle.addEventListener('click', () => {
      show(input.type === 'password');
      input.focus();
    });
    // A field that is sent as text is kept by the browser as one.
    input.form?.addEventListener('submit', () => show(false));
    show(false);
    input.after(toggle);
  }

  function advice(input, least, advised) {
    const word = document.createElement('span');
    word.className = 'hint';
    word.setAttribute('role', 'status');
    input.parentElement.append(word);
    const say = () => {
      const length = [...input.value.normalize('NFKC')].length;
      if (length === 0) word.textContent = '';
      else if (length < least) word.textContent = `${length} of at least ${least} characters.`;
      else if (new Set(input.value.toLowerCase()).size < 6)
        word.textContent = 'Long enough, and easy to guess: the same few characters again and again.';
      else if (length < advised)
        word.textContent = `${length} characters: enough. ${advised} or more are better.`;
      else word.textContent = `${length} characters: good.`;
    };
    input.addEventListener('input', say);
  }

  for (const holder of document.querySelectorAll('.passphrase')) {
    const input = holder.querySelector('input');
    button(input);
    if (holder.dataset.least) advice(input, Number(holder.dataset.least), Number(holder.dataset.advised));
  }
}
