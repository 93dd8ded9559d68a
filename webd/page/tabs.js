// What is open: a tab for each, one of them shown, or all at once.

import { $, announce, button, h, relabel, setText } from "./dom.js";
import { PlayerPane } from "./player.js";
import { prefs, setPref } from "./prefs.js";
import { TerminalPane } from "./terminal.js";

const KEY = "ptsns-open"; // in sessionStorage: what a reload opens again
const MOST = 32; // open at once

const STATES = {
  connecting: "connecting", open: "", waiting: "connection lost", ended: "ended", refused: "not joined",
};

export class Tabs {
  #panes = []; #active = null; #mayType; #infos = new Map(); #restoring = false; #onActive;

  // onActive is told which pane is in front, null when none is.
  constructor({ mayType, onActive }) {
    this.#mayType = mayType;
    this.#onActive = onActive;
    $("layout").addEventListener("click", () => this.#setGrid(!prefs.grid));
    $("tabs").addEventListener("keydown", e => this.#tabKey(e));
    document.addEventListener("visibilitychange", () => this.#seen());
    this.#layout();
  }

  get active() { return this.#active; }
  get count() { return this.#panes.length; }
  findTerminal(name, index, serial) { return this.#panes.find(p => p.kind === "terminal" && p.is(name, index, serial)); }

  openTerminal(name, index, options = {}) {
    return this.#open(this.findTerminal(name, index, options.serial),
      () => new TerminalPane(name, index, { readOnly: prefs.readOnly, ...options }, this.#host));
  }

  openRecording(file) {
    return this.#open(this.#panes.find(p => p.kind === "recording" && p.file === file), () => new PlayerPane(file, this.#host));
  }

  #open(pane, make) {
    if (!pane) {
      if (this.#panes.length >= MOST) {
        announce("Too many are open");
        return null;
      }
      pane = make();
      this.#panes.push(pane);
      this.#addTab(pane);
      $("panes").append(pane.element);
      this.#activate(pane); // it has to be seen to have a size
      pane.open();
      this.#describe(pane);
    }
    this.#activate(pane);
    pane.focus();
    return pane;
  }

  #host = {
    changed: pane => this.#changed(pane),
    focused: pane => { if (pane !== this.#active) this.#activate(pane); },
    close: pane => this.close(pane),
    key: (e, pane) => this.#key(e, pane),
    joined: () => this.#save(),
    isSeen: pane => document.visibilityState === "visible" && (prefs.grid || pane === this.#active),
  };

  setMayType(may) { this.#mayType = this.#host.mayType = may; }

  #addTab(pane) {
    pane.tab = h("div", { className: "tab", role: "presentation" },
      pane.tabButton = h("button", { type: "button", role: "tab", tabIndex: -1, aria: { selected: "false", controls: pane.element.id }, onclick: () => { this.#activate(pane); pane.focus(); } },
        h("span", { className: "dot" }), pane.tabText = h("span", { className: "text" }, pane.label), pane.tabState = h("span", { className: "unseen" })),
      button("close", `Close ${pane.id}`, () => this.close(pane), { tabIndex: -1 }));
    pane.tab.addEventListener("auxclick", e => { if (e.button === 1) this.close(pane); });
    $("tabs").append(pane.tab);
  }

  #changed(pane) {
    if (!pane.tab) return;
    if (pane.tabText.textContent !== pane.label) {
      setText(pane.tabText, pane.label);
      if (pane === this.#active) this.#showTab(pane); // it may be wider now
    }
    pane.tab.title = pane.label;
    pane.tab.dataset.state = pane.state;
    pane.tab.classList.toggle("fresh", pane.fresh);
    setText(pane.tabState, [STATES[pane.state], pane.fresh ? "new output" : ""].filter(Boolean).map(s => `, ${s}`).join(""));
    if (pane !== this.#active) return;
    this.#titlePage();
    this.#onActive(pane);
  }

  #showTab(pane) { pane?.tab.scrollIntoView({ block: "nearest", inline: "nearest" }); }

  #titlePage() { document.title = this.#active ? `${this.#active.label} · ptsns` : "ptsns"; }

  #activate(pane) {
    this.#active = pane;
    for (const p of this.#panes) {
      const is = p === pane;
      p.element.classList.toggle("active", is);
      p.tab.classList.toggle("active", is);
      p.tabButton.setAttribute("aria-selected", is);
      p.tabButton.tabIndex = is ? 0 : -1;
    }
    this.#showTab(pane);
    this.#seen();
    this.#layout();
    this.#titlePage();
    this.#save();
    this.#onActive(pane);
  }

  #seen() {
    for (const p of this.#panes) {
      if (!p.fresh || !this.#host.isSeen(p)) continue;
      p.fresh = false;
      this.#changed(p);
    }
  }

  close(pane) {
    const i = this.#panes.indexOf(pane);
    if (i < 0) return;
    this.#panes.splice(i, 1);
    pane.tab.remove();
    pane.close();
    const next = pane === this.#active ? this.#panes[Math.min(i, this.#panes.length - 1)] ?? null : this.#active;
    this.#activate(next);
    if (next) next.focus(); else $("panes").focus();
  }

  #setGrid(on) {
    setPref("grid", on);
    this.#layout();
    this.#seen();
    announce(on ? "All at once" : "One at a time");
  }

  // layout lays the panes out. As many columns as rows, or one more.
  #layout() {
    const n = this.#panes.length;
    const grid = prefs.grid && n > 1;
    const panes = $("panes");
    panes.classList.toggle("grid", grid);
    const columns = Math.ceil(Math.sqrt(n));
    panes.style.setProperty("--columns", columns);
    // The last one takes what is left of its row.
    this.#panes.forEach((p, i) => p.element.style.setProperty("--span", i === n - 1 ? columns - (n - 1) % columns : 1));
    $("empty").hidden = n > 0;
    panes.hidden = n === 0;
    $("layout").hidden = n < 2;
    $("layout").setAttribute("aria-pressed", prefs.grid);
    relabel($("layout"), "grid", prefs.grid ? "One at a time" : "All at once");
    for (const p of this.#panes) p.element.classList.toggle("alone", n === 1);
  }

  // key has what every open thing leaves to the page. It is false for such keys.
  #key(e, pane) {
    if (!(e.ctrlKey && e.shiftKey) || e.altKey || e.metaKey) return true;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    const code = e.code;
    if (code === "KeyV") return false; // the browser pastes
    if (!step && code !== "KeyC" && code !== "KeyL") return true;
    if (e.type === "keydown") {
      if (step) this.#move(pane, step);
      else if (code === "KeyC") pane.copySelection();
      else return false; // app.js has it
    }
    e.preventDefault();
    return false;
  }

  #move(pane, step) {
    const n = this.#panes.length;
    const next = this.#panes[(this.#panes.indexOf(pane) + step + n) % n];
    this.#activate(next);
    next.focus();
  }

  #tabKey(e) {
    const i = this.#panes.findIndex(p => p.tabButton === e.target);
    if (i < 0) return;
    const n = this.#panes.length;
    const to = { ArrowLeft: (i + n - 1) % n, ArrowRight: (i + 1) % n, Home: 0, End: n - 1 }[e.key];
    if (to !== undefined) {
      this.#activate(this.#panes[to]);
      this.#panes[to].tabButton.focus();
    } else if (e.key === "Delete") {
      this.close(this.#panes[i]);
    } else {
      return;
    }
    e.preventDefault();
  }

  // update takes a new list.
  update(namespaces) {
    this.#infos.clear();
    for (const ns of namespaces) for (const t of ns.terminals) this.#infos.set(`${ns.name}/${t.index}`, t);
    for (const p of this.#panes) {
      this.#describe(p);
      this.#changed(p);
    }
  }

  // describe gives a pane what the list has of its terminal, and not of another one that
  // has its number by now.
  #describe(pane) {
    const info = this.#infos.get(pane.id) ?? null;
    const another = Boolean(info && pane.serial && info.serial !== pane.serial);
    pane.describe(another ? null : info, another);
  }

  #save() {
    if (this.#restoring) return;
    try {
      sessionStorage.setItem(KEY, JSON.stringify({ open: this.#panes.map(p => p.saved), active: this.#panes.indexOf(this.#active) }));
    } catch { /* a browser that keeps nothing */ }
  }

  // restore opens what was open before the page was loaded again.
  restore() {
    let saved;
    try { saved = JSON.parse(sessionStorage.getItem(KEY)); } catch { return; }
    if (!Array.isArray(saved?.open)) return;
    this.#restoring = true;
    for (const s of saved.open) {
      if (s.kind === "terminal") this.openTerminal(String(s.name), Number(s.index), { serial: String(s.serial ?? ""), readOnly: s.readOnly === true });
      else if (s.kind === "recording") this.openRecording(String(s.file));
    }
    this.#restoring = false;
    const pane = this.#panes[saved.active];
    if (pane) {
      this.#activate(pane);
      pane.focus();
    }
  }
}
