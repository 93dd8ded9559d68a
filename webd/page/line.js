// A websocket that comes back. After a failure it waits, longer each time, and tells how
// long; when the machine is online again or the page is looked at, it waits no longer.

import * as api from "./api.js";

const PROTOCOL = "ptsns.1";
const FIRST_WAIT = 300, LONGEST_WAIT = 15000; // ms
const PING_EVERY = 20000, PONG_WITHIN = 10000; // ms
const SETTLED = 5000; // ms after which an open line counts as good

const POLICY_VIOLATION = 1008;

// Set by app.js: asks the person for the token, and resolves when they are logged in.
export const gate = { login: async () => {} };

export class Line {
  #path; #on; #socket = null; #timers = new Map(); #tries = 0; #until = 0; #closed = true; #heard = 0; #wake;

  // path makes the path anew for each try. on has: text(message), bytes(Uint8Array),
  // open(), waiting(seconds), refused(reason). Any may be missing.
  constructor(path, on) {
    this.#path = path;
    this.#on = on;
    this.#wake = () => { if (document.visibilityState === "visible") this.now(); };
  }

  // start connects, and begins to keep the connection.
  start() {
    if (!this.#closed) return;
    this.#closed = false;
    addEventListener("online", this.#wake);
    document.addEventListener("visibilitychange", this.#wake);
    this.#tries = 0;
    this.#connect();
  }

  // stop ends it, without a word to on.
  stop() {
    this.#closed = true;
    removeEventListener("online", this.#wake);
    document.removeEventListener("visibilitychange", this.#wake);
    for (const name of this.#timers.keys()) this.#clear(name);
    const s = this.#socket;
    this.#socket = null;
    s?.close();
  }

  // now tries at once where it would wait.
  now() {
    if (this.#closed || !this.#timers.has("retry")) return;
    this.#clear("retry");
    this.#clear("count");
    this.#connect();
  }

  get isOpen() { return this.#socket?.readyState === WebSocket.OPEN; }

  send(message) { if (this.isOpen) this.#socket.send(JSON.stringify(message)); }
  sendBytes(bytes) { if (this.isOpen) this.#socket.send(bytes); }

  #connect() {
    const url = new URL(this.#path(), location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.hash = "";
    const s = new WebSocket(url, PROTOCOL);
    s.binaryType = "arraybuffer";
    this.#socket = s;
    let opened = false;
    s.onopen = () => {
      if (this.#socket !== s) return;
      opened = true;
      this.#set("settled", SETTLED, () => { this.#tries = 0; });
      this.#ping();
      this.#on.open?.();
    };
    s.onmessage = e => {
      if (this.#socket !== s) return;
      this.#heard = performance.now();
      if (typeof e.data !== "string") { this.#on.bytes?.(new Uint8Array(e.data)); return; }
      const message = JSON.parse(e.data);
      if (message.type !== "pong") this.#on.text?.(message);
    };
    s.onclose = e => {
      if (this.#socket === s) this.#lost(opened, e);
    };
  }

  // A line that died without a word is found by its silence.
  #ping() {
    this.#set("ping", PING_EVERY, () => {
      const asked = performance.now();
      this.send({ type: "ping" });
      this.#set("pong", PONG_WITHIN, () => {
        if (this.#heard < asked) this.#drop(); else this.#ping();
      });
    });
  }

  #drop() {
    const s = this.#socket;
    if (!s) return;
    s.onclose = null; // it might take its time
    s.close();
    this.#lost(true, { code: 1006, reason: "" });
  }

  async #lost(opened, e) {
    this.#socket = null;
    for (const name of ["ping", "pong", "settled"]) this.#clear(name);
    if (e.code === POLICY_VIOLATION) {
      this.stop();
      this.#on.refused?.(e.reason || "the server refused what the page sent");
      return;
    }
    this.#wait();
    if (opened) return;
    // A handshake that fails does not say why. Perhaps we are not logged in.
    try {
      await api.me();
    } catch (error) {
      if (error.status !== 401 || this.#closed) return;
      await gate.login();
      this.now();
    }
  }

  #wait() {
    const ms = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#tries++) * (0.75 + Math.random() / 2);
    this.#until = performance.now() + ms;
    this.#set("retry", ms, () => { this.#clear("count"); this.#connect(); });
    const count = () => {
      this.#on.waiting?.(Math.max(0, Math.ceil((this.#until - performance.now()) / 1000)));
      this.#set("count", 1000, count);
    };
    count();
  }

  #set(name, ms, f) {
    this.#clear(name);
    this.#timers.set(name, setTimeout(() => { this.#timers.delete(name); f(); }, ms));
  }

  #clear(name) {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }
}
