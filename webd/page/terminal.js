// A terminal that is open: its xterm.js, its line to the server, and what is said of it
// when it is not simply running.

import { FitAddon } from "./vendor/addon-fit.mjs";
import { $, announce, button, h, relabel, setText, size } from "./dom.js";
import { Input } from "./input.js";
import { Line } from "./line.js";
import { copy, newScreen, RESET } from "./screen.js";

const ACK_EVERY = 32 << 10; // bytes
const LARGEST = 2000; // rows and columns
const FOLLOWS = 1500; // ms after which a terminal that has not taken our size will not
const encoder = new TextEncoder();

// What failures mean, where the server's own words are for programs' authors.
const WORDS = {
  "kicked": "You were put out of this terminal.",
  "no-such-terminal": "This terminal has ended.",
  "terminal-ended": "This terminal has ended.",
  "no-such-namespace": "This namespace is gone.",
  "server-gone": "The server of this namespace has died, and its terminals with it.",
  "not-tapped": "This terminal does not pass through ptsns, so it cannot be joined.",
  "ending": "This namespace is ending.",
};
const GONE = new Set(["no-such-terminal", "terminal-ended", "no-such-namespace", "server-gone", "ending"]);

// freeId is that, or another when a terminal that had the number before has it.
function freeId(id) {
  for (let n = 1; ; n++) {
    const free = n === 1 ? id : `${id}-${n}`;
    if (!$(free)) return free;
  }
}

export class TerminalPane {
  kind = "terminal";
  #screen; #fit; #line; #input; #host; #acked = 0; #generation = 0; #sent = ""; #ended = false; #fitting = 0;
  #alone = false; #info = null; #noteTimer; #mayType; #sticky = null; #sized = 0; #sizeTimer; #lost = 0; #replaced = false;

  // serial says which terminal of that number it is; "" is the one that there is. host has
  // the pane's surroundings: changed(pane) when its label or state is another, joined()
  // when the serial may be, and mayType, false where the whole door is for looking on.
  constructor(name, index, { serial = "", readOnly = false } = {}, host) {
    this.name = name;
    this.index = index;
    this.serial = serial;
    this.id = `${name}/${index}`;
    this.state = "connecting";
    this.fresh = false; // there is output that nobody has looked at
    this.#host = host;
    this.#mayType = host.mayType;
    this.readOnly = readOnly || !host.mayType;
    this.#build();
    this.#line = new Line(() => this.#path(), {
      text: m => this.#text(m),
      bytes: b => this.#output(b),
      waiting: s => this.#waiting(s),
      refused: why => this.#over("refused", `The connection was refused: ${why}.`),
    });
    this.#input = new Input(bytes => this.#line.sendBytes(bytes));
  }

  get label() { return this.#screenTitle() ? `${this.id} ${this.#screenTitle()}` : this.id; }
  get saved() { return { kind: "terminal", name: this.name, index: this.index, serial: this.serial, readOnly: this.readOnly }; }

  // is tells whether that is this terminal, as far as one knows which it is.
  is(name, index, serial) {
    return this.name === name && this.index === index && (!serial || !this.serial || this.serial === serial);
  }

  #screenTitle() { return this.#info?.title || this.#info?.command || ""; }

  #build() {
    this.program = h("span");
    this.title = h("span", { className: "title" }, h("b", {}, this.id), " ", this.program);
    this.detail = h("span", { className: "detail" });
    this.people = h("span", { className: "detail people" });
    this.copyButton = button("copy", "Copy what is selected (ctrl-shift-C)", () => { this.#copy(); this.focus(); }, { disabled: true });
    // These are of no use once the terminal has ended.
    const joined = { className: "icon joined" };
    this.pasteButton = button("paste", "Paste (ctrl-shift-V)", () => this.#paste(), joined);
    this.aloneButton = button("alone", "Take the keyboard for yourself", () => this.#rejoin({ alone: !this.#alone }), { ...joined, aria: { label: "Take the keyboard for yourself", pressed: "false" } });
    this.modeButton = button("eye", "", () => this.#rejoin({ readOnly: !this.readOnly }), joined);
    this.body = h("div", { className: "screen" });
    this.noteText = h("span");
    this.noteAction = h("button", { type: "button", onclick: () => this.#act() });
    this.note = h("div", { className: "note", hidden: true }, this.noteText, this.noteAction);
    this.element = h("section", { className: "pane", role: "tabpanel", id: freeId(`pane-${this.name}-${this.index}`) },
      h("header", {}, this.title, h("span", { className: "role" }, "looking on"), this.detail, this.people, h("span", { className: "gap" }),
        this.copyButton, this.pasteButton, this.aloneButton, this.modeButton,
        button("close", `Close ${this.id}`, () => this.#host.close(this))),
      this.body, this.note);
    this.element.setAttribute("aria-label", `Terminal ${this.id}`);
    this.element.addEventListener("focusin", () => this.#host.focused(this));
    this.#showMode();
    new ResizeObserver(() => this.fit()).observe(this.body);
  }

  // open shows the terminal and joins it; the element is in the page.
  open() {
    this.#screen = newScreen({ disableStdin: this.readOnly });
    const term = this.#screen.term;
    this.#fit = new FitAddon();
    term.loadAddon(this.#fit);
    term.open(this.body);
    term.attachCustomKeyEventHandler(e => this.#key(e) && this.#host.key(e, this));
    term.onSelectionChange(() => { this.copyButton.disabled = !term.hasSelection(); });
    term.onTitleChange(() => this.#host.changed(this));
    // Not only keys come this way, but what xterm.js answers to programs that ask it
    // something. Nothing of either leaves who only looks on: they do not listen.
    let listening = [];
    this.#listen = () => {
      for (const l of listening) l.dispose();
      listening = this.readOnly ? [] : [
        term.onData(data => this.type(data)),
        term.onBinary(data => this.#put(Uint8Array.from(data, c => c.charCodeAt(0)))),
      ];
      term.options.disableStdin = this.readOnly;
      term.textarea.setAttribute("aria-label",
        `Terminal ${this.id}${this.readOnly ? ", to look on only" : ""}. Control shift L leaves it.`);
    };
    this.#listen();
    this.#fitNow();
    this.#line.start();
  }
  #listen = () => {};

  #path() {
    const { rows, cols } = this.#size();
    this.#sent = `${rows}x${cols}`;
    const query = new URLSearchParams({ rows, cols });
    if (this.serial) query.set("serial", this.serial); // after a break it may have ended, and another have its number
    if (this.readOnly) query.set("read_only", "1");
    if (this.#alone && !this.readOnly) query.set("steal", "1");
    return `api/terminals/${this.name}/${this.index}?${query}`;
  }

  #size() {
    const { rows, cols } = this.#screen.term;
    return { rows: Math.min(rows, LARGEST), cols: Math.min(cols, LARGEST) };
  }

  #text(m) {
    switch (m.type) {
      case "attached":
        this.serial = m.serial ?? "";
        this.#host.joined();
        this.#generation++;
        this.#acked = 0;
        this.#input.clear();
        // The server paints the screen as it is now; nothing of what was here may stay.
        this.#screen.term.write(RESET);
        this.#set("open");
        this.#hideNote();
        this.#resized();
        this.#sendSize();
        announce(`${this.id} joined${m.read_only ? ", to look on only" : ""}`);
        return;
      case "typed": this.#input.typed(m.bytes); return;
      case "lost": this.#missed(m.bytes); return;
      case "refused": this.#say("Somebody has the keyboard for themselves. What you type goes nowhere.", "", 4000); return;
      case "exit": this.#exited(m.status); return;
      case "ended": this.#over("ended", "This terminal has ended."); return;
      case "failure":
        if (m.code === "terminal-ended" && m.status !== undefined) this.#exited(m.status);
        else this.#over(GONE.has(m.code) ? "ended" : "refused", WORDS[m.code] ?? `It could not be joined: ${m.error}.`, true);
        return;
    }
  }

  #exited(status) {
    this.#over("ended", status > 128 ? `The program was ended by signal ${status - 128}.` : `The program has ended, with status ${status}.`, status !== 0);
  }

  #output(bytes) {
    const generation = this.#generation;
    this.#screen.term.write(bytes, () => {
      // Shown, so the server may send more. What an earlier line sent it does not count.
      if (generation !== this.#generation) return;
      this.#acked += bytes.length;
      if (this.#acked < ACK_EVERY) return;
      this.#line.send({ type: "ack", bytes: this.#acked });
      this.#acked = 0;
    });
    if (!this.fresh && !this.#host.isSeen(this)) {
      this.fresh = true;
      this.#host.changed(this);
    }
  }

  #waiting(seconds) {
    if (this.state !== "waiting") announce(`${this.id}: the connection is lost`);
    this.#set("waiting");
    this.#say(seconds > 0 ? `The connection is lost. Next try in ${seconds} s.` : "The connection is lost. Trying again…", "Try now");
  }

  // over is the end of this line, though perhaps not of the terminal.
  #over(state, text, bad = false) {
    this.#line.stop();
    this.#ended = state === "ended";
    this.#set(state);
    this.#say(text, this.#ended ? "Close" : "Join again");
    this.note.classList.toggle("bad", bad);
    this.describe(this.#info, this.#replaced);
    announce(`${this.id}: ${text}`);
  }

  #act() {
    if (this.state === "waiting") this.#line.now();
    else if (this.#ended) this.#host.close(this);
    else this.#rejoin({});
  }

  // key has what a terminal that takes no keys leaves to the page. It is false for those.
  #key(e) {
    if (this.state === "open" && !this.readOnly) return true;
    if (e.key === "Tab" && !e.ctrlKey && !e.altKey) return false; // to what can be done about it
    if (e.key !== "Enter" || e.type !== "keydown" || this.state !== "waiting" && this.state !== "refused") return true;
    this.#act();
    return false;
  }

  // rejoin joins anew, in another role or after the server has let go of us.
  #rejoin({ readOnly = this.readOnly, alone = false }) {
    this.readOnly = readOnly || !this.#mayType;
    this.#alone = alone && !this.readOnly;
    this.#ended = false;
    this.#showMode();
    this.#listen();
    this.#line.stop();
    this.#set("connecting");
    this.#line.start();
    this.#host.changed(this);
    this.focus();
  }

  #showMode() {
    relabel(this.modeButton, this.readOnly ? "eye" : "pen", this.readOnly ? "You look on only. Take part" : "You can type. Look on only");
    this.modeButton.disabled = !this.#mayType;
    this.pasteButton.hidden = this.readOnly;
    this.aloneButton.hidden = this.readOnly;
    this.aloneButton.setAttribute("aria-pressed", this.#alone);
    this.element.classList.toggle("read-only", this.readOnly);
  }

  #set(state) {
    this.state = state;
    this.element.dataset.state = state;
    this.#host.changed(this);
  }

  #say(text, action = "", forMs = 0, aloud = true) {
    clearTimeout(this.#noteTimer);
    this.note.classList.remove("bad");
    setText(this.noteText, text);
    setText(this.noteAction, action);
    this.noteAction.hidden = !action;
    this.note.hidden = false;
    if (forMs) {
      if (aloud) announce(`${this.id}: ${text}`);
      this.#noteTimer = setTimeout(() => this.#hideNote(), forMs);
    }
  }

  // missed adds up what went by since the note about it came up.
  #missed(bytes) {
    const first = this.#lost === 0;
    this.#lost += bytes;
    this.#say(`${size(this.#lost)} went by too fast for this page. The screen is as it is now.`, "", 6000, first);
  }

  #hideNote() {
    this.#lost = 0;
    clearTimeout(this.#noteTimer);
    this.note.hidden = true;
  }

  // sticky makes the next key one with a modifier held: it gets the data and gives it back.
  sticky(f) { this.#sticky = f; }

  // press types a key of the row below the screen.
  press(data) { if (!this.readOnly) this.#screen.term.input(data); }

  get applicationCursor() { return this.#screen.term.modes.applicationCursorKeysMode; }

  type(data) {
    const sticky = this.#sticky;
    this.#sticky = null;
    this.#put(encoder.encode(sticky ? sticky(data) : data));
  }

  #put(bytes) {
    if (this.state !== "open") return;
    if (!this.#input.put(bytes)) this.#say("That is too much to paste.", "", 4000);
  }

  #copy() {
    copy(this.#screen.term.getSelection());
    this.#screen.term.clearSelection();
  }

  async #paste() {
    try {
      this.#screen.term.paste(await navigator.clipboard.readText());
    } catch {
      this.#say("This browser pastes with ctrl-shift-V only.", "", 4000);
    }
    this.focus();
  }

  copySelection() { if (this.#screen.term.hasSelection()) this.#copy(); }

  // describe takes what the list says of this terminal, null when it is not there; replaced
  // says that another one has its number.
  describe(info, replaced = false) {
    this.#info = info;
    this.#replaced = replaced;
    setText(this.program, this.#screenTitle());
    const others = (info?.viewers ?? []).filter(v => v.sole);
    const mine = `${this.#size().rows}×${this.#size().cols}`;
    const theirs = info ? `${info.rows}×${info.cols}` : "";
    // The terminal need not have the size of our window. But it takes a moment to follow.
    const differs = info && mine !== theirs && this.state === "open" && performance.now() - this.#sized > FOLLOWS;
    if (replaced && this.#ended) setText(this.detail, `another is ${this.id} now`);
    else setText(this.detail, differs ? `${theirs} in ${mine}` : theirs);
    this.detail.title = differs ? `The terminal has another size, ${theirs}, than this window, ${mine}` : "";
    const n = info?.viewers?.length ?? 0;
    const who = (info?.viewers ?? []).map(v => `${v.door}${v.name ? ` ${v.name}` : ""}${v.read_only ? ", looking on" : ""}${v.sole ? ", with the keyboard for itself" : ""}`);
    setText(this.people, [n > 1 ? `${n} viewers` : "", info?.recorded ? "recorded" : "", others.length > 0 && !this.#alone ? "keyboard taken" : ""].filter(Boolean).join(" · "));
    this.people.title = who.join("\n");
  }

  fit() {
    cancelAnimationFrame(this.#fitting);
    this.#fitting = requestAnimationFrame(() => this.#fitNow());
  }

  #fitNow() {
    if (!this.#screen || this.body.clientWidth < 40 || this.body.clientHeight < 20) return; // hidden
    const d = this.#fit.proposeDimensions();
    if (!d || !d.cols || !d.rows) return;
    this.#screen.term.resize(Math.max(2, d.cols), Math.max(1, d.rows));
    this.#sendSize();
  }

  #sendSize() {
    const { rows, cols } = this.#size();
    if (this.state !== "open" || this.#sent === `${rows}x${cols}`) return;
    this.#sent = `${rows}x${cols}`;
    this.#line.send({ type: "resize", rows, cols });
    this.#resized();
  }

  #resized() {
    this.#sized = performance.now();
    clearTimeout(this.#sizeTimer);
    this.#sizeTimer = setTimeout(() => this.describe(this.#info, this.#replaced), FOLLOWS + 100);
  }

  focus() { this.#screen?.term.focus(); }

  close() {
    clearTimeout(this.#noteTimer);
    clearTimeout(this.#sizeTimer);
    this.#line.stop();
    this.#screen?.done();
    this.element.remove();
  }
}
