// What every part of the page needs of the document. Text is only ever set as text:
// titles and names come from programs.

export const $ = id => document.getElementById(id);

// h makes an element. Properties that begin with "on" are listeners, "data" and "aria"
// are objects, others are properties or attributes.
export function h(tag, props = {}, ...children) {
  const e = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key.startsWith("on")) e.addEventListener(key.slice(2), value);
    else if (key === "data") Object.assign(e.dataset, value);
    else if (key === "aria") for (const [k, v] of Object.entries(value)) e.setAttribute(`aria-${k}`, v);
    else if (key in e) e[key] = value;
    else e.setAttribute(key, value);
  }
  e.append(...children.filter(c => c !== null));
  return e;
}

// icon is one of the symbols in index.html.
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

// button is one that shows an icon and is called label.
export function button(name, label, onclick, props = {}) {
  const b = h("button", { type: "button", className: "icon", title: label, aria: { label }, ...props }, icon(name));
  if (onclick) b.addEventListener("click", onclick);
  return b;
}

// relabel changes what a button of ours is called and shows.
export function relabel(b, name, label) {
  b.title = label;
  b.setAttribute("aria-label", label);
  b.replaceChildren(icon(name));
}

// setText changes an element only when that is a change, so that nothing is read out or
// drawn again that is as it was.
export function setText(e, text) {
  if (e.textContent !== text) e.textContent = text;
}

// announce has a screen reader say text.
export function announce(text) {
  const status = $("status");
  status.textContent = "";
  // The same text twice is said twice only when it went away in between.
  setTimeout(() => { status.textContent = text; }, 50);
}

// size shows a number of bytes.
export function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let u = 0;
  for (; bytes >= 1000 && u < units.length - 1; u++) bytes /= 1000;
  return `${u === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)} ${units[u]}`;
}
