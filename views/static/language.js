// A browser may name a language that Intl refuses, as "en-US@posix" of a bare machine: a library that asks for its numbers by that
// name throws as it is loaded, and nothing would be drawn. Loaded before such a library.

try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true });
}
