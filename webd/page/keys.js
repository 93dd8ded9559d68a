// A row of keys for those whose keyboard has none of them: phones.

import { $, h } from "./dom.js";

const KEYS = [
  ["esc", "\x1b"], ["tab", "\t"], ["ctrl"], ["alt"], ["←", "D"], ["↓", "B"], ["↑", "A"], ["→", "C"],
  ["-", "-"], ["/", "/"], ["|", "|"], ["~", "~"], ["pgup", "\x1b[5~"], ["pgdn", "\x1b[6~"],
];
const NAMES = { "←": "left", "→": "right", "↑": "up", "↓": "down", "esc": "escape", "tab": "tab", "pgup": "page up", "pgdn": "page down" };
const HELD = {
  ctrl: data => data.length === 1 ? String.fromCharCode(data.toUpperCase().charCodeAt(0) & 0x1f) : data,
  alt: data => `\x1b${data}`,
};

// setUpKeys fills the row; active tells which pane the keys are for.
export function setUpKeys(active) {
  for (const [name, data] of KEYS) {
    const b = h("button", { type: "button", aria: { label: NAMES[name] ?? name } }, name);
    if (HELD[name]) b.setAttribute("aria-pressed", "false");
    // Without this the focus leaves the terminal, and the phone's keyboard with it.
    b.addEventListener("pointerdown", e => e.preventDefault());
    b.addEventListener("click", () => press(active(), name, data, b));
    $("keys").append(b);
  }
}

function press(pane, name, data, b) {
  if (pane?.kind !== "terminal") return;
  if (HELD[name]) {
    const on = b.getAttribute("aria-pressed") === "false";
    b.setAttribute("aria-pressed", on);
    pane.sticky(on ? typed => { b.setAttribute("aria-pressed", "false"); return HELD[name](typed); } : null);
    return;
  }
  const arrow = data.length === 1 && "ABCD".includes(data);
  pane.press(arrow ? `\x1b${pane.applicationCursor ? "O" : "["}${data}` : data);
}
