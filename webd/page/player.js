// A recording that is open: it plays into an xterm.js that takes no keys and answers
// nobody.

import * as api from "./api.js";
import { parse, sizeOf, timeline } from "./cast.js";
import { announce, button, h, relabel, setText, size } from "./dom.js";
import { copy, newScreen, RESET } from "./screen.js";
import { onPrefs, prefs } from "./prefs.js";

const MOST = 128 << 20; // bytes of a recording that a browser is asked to hold
const STEP = 5; // seconds of the arrow keys
const BATCH = 64 << 10; // characters written at once when seeking

const clock = s => {
  const [hours, minutes, seconds] = [Math.floor(s / 3600), Math.floor(s / 60) % 60, Math.floor(s) % 60];
  const two = n => String(n).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
};

export class PlayerPane {
  kind = "recording";
  state = "connecting";
  fresh = false;
  #host; #screen; #cast = null; #times = null; #next = 0; #now = 0; #playing = false; #frame = 0; #last = 0; #stop; #abort = new AbortController(); #gone = false; #fitting = 0;

  constructor(file, host) {
    this.file = file;
    this.id = file;
    this.#host = host;
    this.#build();
  }

  get label() { return this.file.replace(/\.cast$/, ""); }
  get saved() { return { kind: "recording", file: this.file }; }

  #build() {
    this.title = h("span", { className: "title" }, h("b", {}, this.label));
    this.detail = h("span", { className: "detail" }, "loading…");
    this.copyButton = button("copy", "Copy what is selected (ctrl-shift-C)", () => this.copySelection(), { disabled: true });
    this.body = h("div", { className: "screen still" });
    this.play = button("play", "Play (space)", () => this.toggle(), { disabled: true });
    this.seek = h("input", { type: "range", min: 0, max: 0, step: "any", value: 0, className: "seek", aria: { label: "Time" }, oninput: () => this.#goto(Number(this.seek.value)) });
    this.time = h("span", { className: "time" }, "0:00");
    this.speed = this.#choice("Speed", [[0.5, "½×"], [1, "1×"], [2, "2×"], [4, "4×"], [8, "8×"], [16, "16×"]], 1, () => {});
    this.idle = this.#choice("Longest pause", [[0, "all pauses"], [0.5, "½ s pauses"], [1, "1 s pauses"], [2, "2 s pauses"], [5, "5 s pauses"]], 2, () => this.#retime());
    this.note = h("div", { className: "note", hidden: true });
    this.element = h("section", { className: "pane player", role: "tabpanel", id: `cast-${this.file}` },
      h("header", {}, this.title, this.detail, h("span", { className: "gap" }), this.copyButton,
        button("close", `Close ${this.file}`, () => this.#host.close(this))),
      this.body, this.note,
      h("div", { className: "controls", role: "group", aria: { label: "Playing" } }, this.play, this.seek, this.time, this.speed, this.idle));
    this.element.setAttribute("aria-label", `Recording ${this.file}`);
    this.element.addEventListener("focusin", () => this.#host.focused(this));
    this.element.addEventListener("keydown", e => this.#key(e));
    new ResizeObserver(() => this.fit()).observe(this.body);
  }

  #choice(label, values, chosen, changed) {
    const s = h("select", { aria: { label }, title: label, onchange: changed });
    for (const [value, text] of values) s.append(h("option", { value, selected: value === chosen }, text));
    return s;
  }

  async open() {
    this.#screen = newScreen({ disableStdin: true, cursorBlink: false, cursorInactiveStyle: "block", scrollback: 2000 });
    const term = this.#screen.term;
    term.open(this.body);
    term.textarea.tabIndex = -1; // there is nothing to type
    term.attachCustomKeyEventHandler(e => this.#host.key(e, this) && false);
    term.onSelectionChange(() => { this.copyButton.disabled = !term.hasSelection(); });
    this.#stop = onPrefs(() => this.fit());
    try {
      this.#cast = parse(await this.#load());
    } catch (e) {
      if (this.#gone) return;
      this.#fail(e);
      return;
    }
    this.#set("open");
    const c = this.#cast;
    if (c.idleLimit > 0) {
      this.idle.append(h("option", { value: c.idleLimit, selected: true }, `${c.idleLimit} s pauses`));
    }
    this.play.disabled = false;
    this.#retime();
    const about = [c.title || c.command, c.start?.toLocaleString(), `${c.cols}×${c.rows}`];
    setText(this.detail, about.filter(Boolean).join(" · "));
    this.#goto(0);
    this.toggle();
    this.focus();
  }

  // load reads the file, in pieces: it may be too long.
  async #load() {
    const response = await api.recording(this.file, this.#abort.signal);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text;
      text += value;
      if (text.length > MOST) {
        this.#abort.abort();
        throw new Error(`it is longer than ${size(MOST)}: ptsns replay plays it`);
      }
    }
  }

  #fail(e) {
    this.#set("refused");
    setText(this.note, `This recording cannot be played: ${e.message}.`);
    setText(this.detail, "");
    this.note.classList.add("bad");
    this.note.hidden = false;
    announce(this.note.textContent);
  }

  #set(state) {
    this.state = state;
    this.element.dataset.state = state;
    this.#host.changed(this);
  }

  get #length() { return this.#times ? this.#times[this.#times.length - 1] : 0; }

  // retime keeps the place when another limit for pauses is chosen.
  #retime() {
    const next = this.#next;
    this.#times = timeline(this.#cast.events, Number(this.idle.value));
    this.#now = next > 0 ? this.#times[next - 1] : 0;
    this.seek.max = this.#length;
    this.#show();
  }

  toggle() {
    if (!this.#cast) return;
    if (!this.#playing && this.#now >= this.#length) this.#goto(0);
    this.#playing = !this.#playing;
    relabel(this.play, this.#playing ? "pause" : "play", this.#playing ? "Pause (space)" : "Play (space)");
    this.#last = performance.now();
    cancelAnimationFrame(this.#frame);
    if (this.#playing) this.#frame = requestAnimationFrame(() => this.#tick());
  }

  #tick() {
    const t = performance.now();
    this.#now = Math.min(this.#length, this.#now + (t - this.#last) / 1000 * Number(this.speed.value));
    this.#last = t;
    this.#feed(this.#now);
    this.#show();
    if (this.#now >= this.#length) { this.toggle(); announce("The recording has ended"); return; }
    this.#frame = requestAnimationFrame(() => this.#tick());
  }

  // goto shows what the screen was at that time. Back is from the beginning again.
  #goto(time) {
    if (!this.#cast) return;
    if (time < this.#now || this.#next === 0) {
      this.#next = 0;
      this.#screen.term.write(RESET);
      this.#resize(this.#cast);
    }
    this.#now = Math.max(0, Math.min(time, this.#length));
    this.#feed(this.#now);
    this.#show();
  }

  // feed writes what happened up to that time.
  #feed(time) {
    const { events } = this.#cast;
    let text = "";
    const flush = () => { if (text) this.#screen.term.write(text); text = ""; };
    for (; this.#next < events.length && this.#times[this.#next] <= time; this.#next++) {
      const e = events[this.#next];
      if (e.code === "o") {
        text += e.data;
        if (text.length > BATCH) flush();
      } else if (e.code === "r") {
        const s = sizeOf(e.data);
        flush();
        // After what was written before it, which xterm.js takes its time for.
        if (s) this.#screen.term.write("", () => this.#resize(s));
      }
    }
    flush();
  }

  #resize({ rows, cols }) {
    if (this.#gone) return;
    this.#screen.term.resize(cols, rows);
    this.fit();
  }

  #show() {
    this.seek.value = this.#now;
    this.seek.setAttribute("aria-valuetext", `${clock(this.#now)} of ${clock(this.#length)}`);
    setText(this.time, `${clock(this.#now)} / ${clock(this.#length)}`);
  }

  #key(e) {
    if (e.ctrlKey || e.altKey || e.metaKey) return;
    const seeking = e.target === this.seek, free = !["SELECT", "BUTTON"].includes(e.target.tagName);
    const at = Number(this.seek.value);
    if (e.key === " " && free) this.toggle();
    else if (e.key === "ArrowRight" && (free || seeking)) this.#goto(at + STEP);
    else if (e.key === "ArrowLeft" && (free || seeking)) this.#goto(at - STEP);
    else if (e.key === "Home" && free) this.#goto(0);
    else if (e.key === "End" && free) this.#goto(this.#length);
    else return;
    e.preventDefault();
    e.stopPropagation();
  }

  // fit makes the text as large as the whole recorded screen allows.
  fit() {
    const term = this.#screen?.term;
    const cell = this.body.querySelector(".xterm-screen");
    if (!term || !cell || this.body.clientWidth < 40) return;
    const style = getComputedStyle(this.body);
    const width = this.body.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 16;
    const height = this.body.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom) - 6;
    const scale = Math.min(width / cell.offsetWidth, height / cell.offsetHeight);
    this.#setFont(Math.floor(term.options.fontSize * scale * 2) / 2);
    // Cells are whole pixels, so it may still be a little too large.
    cancelAnimationFrame(this.#fitting);
    const shrink = () => {
      if (cell.offsetWidth <= width && cell.offsetHeight <= height || !this.#setFont(term.options.fontSize - 0.5)) return;
      this.#fitting = requestAnimationFrame(shrink);
    };
    this.#fitting = requestAnimationFrame(shrink);
  }

  // setFont is false when that is no change.
  #setFont(wanted) {
    const { options } = this.#screen.term;
    const fontSize = Math.max(4, Math.min(prefs.fontSize * 1.5, wanted));
    if (!Number.isFinite(fontSize) || fontSize === options.fontSize) return false;
    options.fontSize = fontSize;
    return true;
  }

  describe() {}

  copySelection() {
    copy(this.#screen.term.getSelection());
    this.#screen.term.clearSelection();
  }

  focus() { (this.play.disabled ? this.seek : this.play).focus(); }

  close() {
    this.#gone = true;
    this.#abort.abort();
    cancelAnimationFrame(this.#frame);
    cancelAnimationFrame(this.#fitting);
    this.#stop?.();
    this.#screen?.done();
    this.element.remove();
  }
}
