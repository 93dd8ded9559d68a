// An xterm.js as this page uses it, for terminals and for recordings.

import { Terminal } from "./vendor/xterm.mjs";
import { Unicode11Addon } from "./vendor/addon-unicode11.mjs";
import { onPrefs, terminalOptions } from "./prefs.js";
import { announce } from "./dom.js";

const FONTS = 'ui-monospace, "Cascadia Mono", "JetBrains Mono", "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Noto Sans Mono CJK JP", "Noto Color Emoji", monospace';

// RESET in the output puts xterm.js back to its beginning, in order with what was written
// before it.
export const RESET = "\x1bc";

// newScreen makes a terminal, and done, which is to be called when it goes.
export function newScreen(options = {}) {
  const fixed = () => ({ ...terminalOptions(), ...options });
  const term = new Terminal({
    allowProposedApi: true, // for the widths
    fontFamily: FONTS, scrollback: 10000, macOptionIsMeta: true,
    ...fixed(),
  });
  term.loadAddon(new Unicode11Addon());
  term.unicode.activeVersion = "11"; // emoji are two columns wide, as they are for the programs
  const stop = onPrefs(() => { Object.assign(term.options, fixed()); });
  return { term, done() { stop(); term.dispose(); } };
}

// copy puts text into the clipboard. Browsers that give pages of plain http no clipboard
// have an older way.
export async function copy(text) {
  if (!text) return;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "unseen";
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  announce("Copied");
}
