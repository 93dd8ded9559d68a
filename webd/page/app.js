// The page: who is there, what there is, and what is open.

import * as api from "./api.js";
import { $, announce, h, setText, size } from "./dom.js";
import { setUpKeys } from "./keys.js";
import { gate, Line } from "./line.js";
import { List } from "./list.js";
import { apply, prefs, setPref } from "./prefs.js";
import { Tabs } from "./tabs.js";

const narrow = matchMedia("(max-width: 760px)");
const coarse = matchMedia("(pointer: coarse)");

// The token in the address came in the link. It goes nowhere else, and not into the
// history.
function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) history.replaceState(null, "", location.pathname + location.search);
  return token;
}

// askLogin shows the form until the token is right. However many ask, it is one form.
let asking = null;
function askLogin(why = "") {
  asking ??= new Promise(done => {
    const form = $("login").querySelector("form");
    setText($("login-error"), why);
    const submit = async e => {
      e.preventDefault();
      setText($("login-error"), "");
      try {
        await api.login($("login-token").value.trim());
      } catch (error) {
        setText($("login-error"), error.message);
        $("login-token").select();
        return;
      }
      form.removeEventListener("submit", submit);
      $("login-token").value = "";
      $("login").close();
      asking = null;
      done();
    };
    form.addEventListener("submit", submit);
    $("login").addEventListener("cancel", e => e.preventDefault());
    if (!$("login").open) $("login").showModal();
  });
  return asking;
}
gate.login = () => askLogin();

// A link with a new token that is opened in this tab loads nothing by itself.
addEventListener("hashchange", async () => {
  const token = takeToken();
  if (!token) return;
  try {
    await api.login(token);
    location.reload();
  } catch (e) {
    toast(e.message);
  }
});

// identify finds out who we are, with the link's token or the cookie, or asks.
async function identify() {
  let why = "";
  const token = takeToken();
  if (token) {
    try { await api.login(token); } catch (e) { why = e.message; }
  }
  for (;;) {
    try {
      return await api.me();
    } catch (e) {
      if (e.status !== 401) throw e;
    }
    await askLogin(why);
  }
}

function toggleSide(on = document.body.classList.contains("no-side")) {
  document.body.classList.toggle("no-side", !on);
  $("side-toggle").setAttribute("aria-expanded", on);
  $("shade").hidden = !on || !narrow.matches;
}

function setUpSettings() {
  const fields = [["font-size", "fontSize", "value"], ["theme", "theme", "value"], ["read-only", "readOnly", "checked"], ["reader", "reader", "checked"], ["blink", "blink", "checked"]];
  for (const [id, key, property] of fields) {
    $(id).addEventListener("change", () => {
      let value = $(id)[property];
      if (key === "fontSize") value = Math.max(8, Math.min(32, Number(value) || 14));
      setPref(key, value);
    });
  }
  $("settings-open").addEventListener("click", () => {
    for (const [id, key, property] of fields) $(id)[property] = prefs[key];
    $("settings").showModal();
  });
  $("help-open").addEventListener("click", () => $("help").showModal());
  $("logout").addEventListener("click", async () => {
    await api.logout();
    location.reload();
  });
}

function setUpRecordings(tabs) {
  const look = async () => {
    let all;
    try { all = await api.recordings(); } catch (e) { announce(`The recordings cannot be had: ${e.message}`); return; }
    $("recordings-list").replaceChildren(...all.map(r => h("li", {},
      h("button", { type: "button", className: "open", onclick: () => { leaveSide(); tabs.openRecording(r.name); } },
        h("span", { className: "lines" }, h("span", { className: "name" }, r.name.replace(/\.cast$/, "")),
          h("span", { className: "about" }, `${new Date(r.modified).toLocaleString()} · ${size(r.size)}`))))));
    if (all.length === 0) $("recordings-list").append(h("li", { className: "hint" }, "no recording"));
  };
  $("recordings").hidden = false;
  $("recordings-again").addEventListener("click", look);
  look();
}

const leaveSide = () => { if (narrow.matches) toggleSide(false); };

function setUpKeyboard(list, tabs) {
  addEventListener("keydown", e => {
    if (!(e.ctrlKey && e.shiftKey && e.code === "KeyL") || document.querySelector("dialog[open]")) return;
    e.preventDefault();
    if ($("side").contains(document.activeElement)) {
      leaveSide();
      tabs.active?.focus();
      return;
    }
    toggleSide(true);
    list.focus();
  });
  $("side").addEventListener("keydown", e => {
    if (e.key !== "Escape") return;
    leaveSide();
    tabs.active?.focus();
  });
}

// follow keeps the list as the server has it.
function follow(list, tabs) {
  const show = (state, text) => {
    $("link").dataset.state = state;
    setText($("link-text"), text);
  };
  let mentioned = null;
  const line = new Line(() => "api/live", {
    open: () => show("open", ""),
    waiting: s => show("waiting", s > 0 ? `offline, ${s} s` : "offline"),
    refused: () => show("waiting", "refused"),
    text: m => {
      if (m.type !== "list") return;
      list.prune(m.namespaces);
      list.update(m.namespaces, m.error);
      tabs.update(m.namespaces);
      const count = m.namespaces.reduce((n, ns) => n + ns.terminals.length, 0);
      if (mentioned !== null && mentioned !== count) announce(`${count} ${count === 1 ? "terminal" : "terminals"}`);
      mentioned = count;
    },
  });
  show("waiting", "connecting");
  line.start();
}

async function main() {
  apply();
  const who = await identify();
  setText($("user"), who.user === "token" ? "" : who.user);
  if (who.read_only) setText($("empty-text"), "Nothing is open. Choose a terminal from the list to look on.");
  let list;
  const tabs = new Tabs({
    mayType: !who.read_only,
    onActive: pane => {
      list?.mark(pane?.kind === "terminal" ? pane : null);
      $("keys").hidden = !(coarse.matches && pane?.kind === "terminal" && !pane.readOnly && pane.state !== "ended");
    },
  });
  tabs.setMayType(!who.read_only);
  list = new List({
    isOpen: (name, index, serial) => tabs.findTerminal(name, index, serial) !== undefined,
    open: (name, index, options) => { leaveSide(); tabs.openTerminal(name, index, options); },
    fresh: async name => {
      const { rows, cols } = guessSize();
      try {
        const { index, serial } = await api.open(name, rows, cols);
        leaveSide();
        tabs.openTerminal(name, index, { serial, readOnly: false });
      } catch (e) {
        announce(e.message);
        toast(e.message);
      }
    },
  }, !who.read_only);
  setUpSettings();
  setUpKeys(() => tabs.active);
  setUpKeyboard(list, tabs);
  $("side-toggle").addEventListener("click", () => toggleSide());
  $("shade").addEventListener("click", () => toggleSide(false));
  $("empty-list").addEventListener("click", () => { toggleSide(true); list.focus(); });
  narrow.addEventListener("change", () => toggleSide(!narrow.matches));
  if (who.recordings) setUpRecordings(tabs);
  toggleSide(!narrow.matches);
  follow(list, tabs);
  tabs.restore();
  if (tabs.count === 0 && narrow.matches) toggleSide(true);
}

// guessSize is about the size that a new terminal's window will have; the real one follows.
function guessSize() {
  const box = document.querySelector("main").getBoundingClientRect();
  return {
    rows: Math.max(5, Math.floor((box.height - 84) / (prefs.fontSize * 1.2))),
    cols: Math.max(20, Math.floor((box.width - 24) / (prefs.fontSize * 0.602))),
  };
}

// toast shows what went wrong with something that has no place of its own.
function toast(text) {
  const e = h("p", { className: "toast" }, text);
  document.body.append(e);
  setTimeout(() => e.remove(), 6000);
}

main().catch(e => toast(`The page could not start: ${e.message}`));
