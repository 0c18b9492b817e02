/** Comforts of the reference: a filter, copying, and calling what only reads; the page says everything without them. */

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const made = (name, text, className = '') => {
  const element = document.createElement(name);
  element.textContent = text;
  element.className = className;
  return element;
};

for (const element of all('[data-script]')) element.hidden = false;

// ---- filter: every word must be in an operation's name, route or description
const filter = document.querySelector('#filter');
const found = document.querySelector('#found');
const operations = all('.operation');

function applyFilter() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const operation of operations) {
    const shown = words.every((word) => operation.dataset.search.includes(word));
    operation.hidden = !shown;
    document.querySelector(`[data-of="${operation.id}"]`).hidden = !shown;
    if (shown) count += 1;
  }
  for (const group of all('.group, .links'))
    group.hidden = all('.operation:not([hidden]), [data-of]:not([hidden])', group).length === 0;
  found.textContent = words.length === 0 ? '' : `${count} of ${operations.length}`;
}
filter.addEventListener('input', applyFilter);
// A link to an operation that the filter hides shows it again.
addEventListener('hashchange', () => {
  const target = document.getElementById(location.hash.slice(1));
  if (!target?.closest('[hidden]')) return;
  filter.value = '';
  applyFilter();
  target.scrollIntoView();
});

// ---- copying, where the browser allows it
if (navigator.clipboard)
  for (const figure of all('.code')) {
    const button = made('button', 'Copy', 'copy');
    button.type = 'button';
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(figure.querySelector('code').textContent);
      button.textContent = 'Copied';
      setTimeout(() => {
        button.textContent = 'Copy';
      }, 2_000);
    });
    figure.append(button);
  }

// ---- calling: only forms of operations that read are there
async function call(form) {
  const output = form.querySelector('output');
  const key = document.querySelector('#key').value.trim();
  if (!/^[\x21-\x7e]+$/.test(key)) {
    output.textContent = 'Put a key into “Try it here” first.';
    return;
  }
  const query = new URLSearchParams();
  let path = form.dataset.path;
  for (const input of all('input', form)) {
    if (input.dataset.where === 'path')
      path = path.replace(`{${input.name}}`, encodeURIComponent(input.value));
    else if (input.value !== '') query.set(input.name, input.value);
  }
  const target = query.size === 0 ? path : `${path}?${query}`;
  output.textContent = 'Calling …';
  try {
    const answer = await fetch(target, { headers: { authorization: `Bearer ${key}` }, cache: 'no-store' });
    const text = await answer.text();
    output.replaceChildren(
      made('p', `${answer.status} ${target}`),
      made('pre', JSON.stringify(JSON.parse(text), null, 2)),
    );
  } catch {
    output.textContent = 'No answer: the gateway could not be reached.';
  }
}
for (const form of all('form.try'))
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void call(form);
  });
