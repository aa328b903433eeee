/** Elements of the page. Text only ever enters as text, so that names of files are never markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element.
 *
 * @param {string} tag name of the element; "svg", "path" and "circle" are made as SVG
 * @param {object} given attributes; `text` is its text, and a function `onclick` listens to "click"
 * @param {...(Node|string|null)} children nodes and texts; null is left out
 */
export function make(tag, given = {}, ...children) {
  const drawn = ["svg", "path", "circle"].includes(tag);
  const element = drawn ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name === "text") element.textContent = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A function that runs `act` once in the next picture of the screen, however often it is called before. */
export function onceAFrame(act) {
  let waiting = 0;
  return () => {
    if (waiting) return;
    waiting = requestAnimationFrame(() => {
      waiting = 0;
      act();
    });
  };
}

/** A function that runs `act` once it has not been called for some milliseconds. */
export function afterPause(act, pause) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...values), pause);
  };
}

/** A number with at most some decimals and without trailing zeros. */
export function brief(value, decimals = 2) {
  return String(Number(value.toFixed(decimals)));
}

/** A text that begins with a capital letter, where it begins with a word and not with a sign or a unit. */
export function capital(text) {
  return /^(?!px\b)[a-z]{2}/.test(text) ? text[0].toUpperCase() + text.slice(1) : text;
}

/** The value between two bounds that is nearest to another. */
export function within(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/** Run `act` when the theme of the page or of the notebook around it changes. Returns a function that ends this. */
export function onTheme(act) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const watcher = new MutationObserver(() => act());
  const attributeFilter = ["class", "data-jp-theme-light", "data-jp-theme-name", "data-vscode-theme-kind"];
  dark.addEventListener("change", act);
  for (const element of [document.documentElement, document.body]) watcher.observe(element, { attributeFilter });
  return () => {
    watcher.disconnect();
    dark.removeEventListener("change", act);
  };
}
