// Buttons beside what is to be taken along: copy, and print where that is meant. The text can be selected without.

// Scripts of a page share one scope.
{
  function act(label, done, work) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'small';
    button.textContent = label;
    button.addEventListener('click', async () => {
      await work();
      if (done === '') return;
      button.textContent = done;
      setTimeout(() => {
        button.textContent = label;
      }, 2_000);
    });
    return button;
  }

  for (const source of document.querySelectorAll('[data-copy]')) {
    const row = document.createElement('p');
    row.className = 'row takeaway';
    if (navigator.clipboard)
      row.append(act('Copy', 'Copied', () => navigator.clipboard.writeText(source.textContent.trim())));
    if (source.hasAttribute('data-print')) row.append(act('Print', '', () => window.print()));
    if (row.childElementCount > 0) source.after(row);
  }
}
