// What a person chose, kept in this browser, and the colours that follow from it.

const KEY = "ptsns";
const DEFAULTS = {
  fontSize: matchMedia("(max-width: 640px)").matches ? 12 : 14,
  theme: "auto",
  readOnly: false,
  reader: false,
  blink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
  grid: false,
};

function stored() {
  try { return JSON.parse(localStorage.getItem(KEY)) ?? {}; } catch { return {}; }
}

export const prefs = { ...DEFAULTS, ...stored() };

const listeners = new Set();
export const onPrefs = f => { listeners.add(f); return () => listeners.delete(f); };

export function setPref(key, value) {
  prefs[key] = value;
  try { localStorage.setItem(KEY, JSON.stringify(prefs)); } catch { /* a browser that keeps nothing */ }
  apply();
}

const systemDark = matchMedia("(prefers-color-scheme: dark)");
systemDark.addEventListener("change", () => apply());

const isDark = () => prefs.theme === "dark" || prefs.theme === "auto" && systemDark.matches;

// apply shows the choices, here and in every open terminal.
export function apply() {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  for (const f of listeners) f();
}

const DARK = {
  background: "#14161a", foreground: "#dfe2e7", cursor: "#5eead4", cursorAccent: "#14161a",
  selectionBackground: "#2f5f66", selectionInactiveBackground: "#30373f",
  scrollbarSliderBackground: "#ffffff2a", scrollbarSliderHoverBackground: "#ffffff4d", scrollbarSliderActiveBackground: "#ffffff66",
  black: "#464d57", red: "#f0717b", green: "#8fd08a", yellow: "#e6c376", blue: "#74a8f5", magenta: "#c792ea", cyan: "#6fd0d3", white: "#d3d7de",
  brightBlack: "#78818e", brightRed: "#ff8f98", brightGreen: "#a9e5a3", brightYellow: "#f7d98f", brightBlue: "#97c1ff", brightMagenta: "#dcb1f7", brightCyan: "#92e6e8", brightWhite: "#ffffff",
};
const LIGHT = {
  background: "#fdfdfc", foreground: "#24292f", cursor: "#0f766e", cursorAccent: "#fdfdfc",
  selectionBackground: "#b5e0dc", selectionInactiveBackground: "#dde3e6",
  scrollbarSliderBackground: "#00000024", scrollbarSliderHoverBackground: "#00000042", scrollbarSliderActiveBackground: "#0000005c",
  black: "#24292f", red: "#c0262d", green: "#1f7a37", yellow: "#8a6100", blue: "#0b5cc4", magenta: "#8639b8", cyan: "#0c7285", white: "#868e98",
  brightBlack: "#626b76", brightRed: "#d8343c", brightGreen: "#2a8c44", brightYellow: "#9a6c00", brightBlue: "#1f6fde", brightMagenta: "#9b4bd0", brightCyan: "#128197", brightWhite: "#a3abb4",
};

// terminalOptions are those of xterm.js that follow from the choices.
export function terminalOptions() {
  return {
    // No minimumContrastRatio: xterm.js 6.0 takes reversed text for text on its own colour.
    theme: isDark() ? DARK : LIGHT,
    fontSize: prefs.fontSize,
    cursorBlink: prefs.blink,
    screenReaderMode: prefs.reader,
  };
}
