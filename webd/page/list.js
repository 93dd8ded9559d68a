// The list of namespaces and their terminals, as it is now. Rows stay the same elements
// while what they show changes, so that the focus stays, too.

import { $, button, h, setText } from "./dom.js";

export class List {
  #rows = new Map(); #on; #bytes = new Map(); #mayType;

  // on has: open(name, index, {serial, readOnly}), fresh(name) for a new terminal,
  // isOpen(name, index, serial).
  constructor(on, mayType) {
    this.#on = on;
    this.#mayType = mayType;
    $("side").addEventListener("keydown", e => this.#key(e));
  }

  update(namespaces, error = "") {
    const box = $("namespaces");
    const groups = namespaces.map(ns => this.#namespace(ns));
    if (error) groups.push(this.#message("!", `The list cannot be had: ${error}`));
    else if (groups.length === 0) groups.push(this.#message("-", "There is no namespace. Start one with ptsns run."));
    this.#place(box, groups);
    this.#mark();
  }

  // place puts these children there, in this order, touching only what is not in place.
  #place(box, children) {
    const wanted = new Set(children);
    for (const old of [...box.children]) if (!wanted.has(old)) old.remove();
    children.forEach((c, i) => { if (box.children[i] !== c) box.insertBefore(c, box.children[i] ?? null); });
  }

  #keep(key, make) {
    if (!this.#rows.has(key)) this.#rows.set(key, make());
    return this.#rows.get(key);
  }

  #message(key, text) {
    const e = this.#keep(key, () => h("p", { className: "hint" }));
    setText(e, text);
    return e;
  }

  #namespace(ns) {
    const group = this.#keep(ns.name, () => {
      const title = h("h2", { id: `ns-${ns.name}` }, ns.name);
      const kind = h("span", { className: "kind" });
      const add = button("plus", `New terminal in ${ns.name}`, async () => {
        add.disabled = true;
        try { await this.#on.fresh(ns.name); } finally { add.disabled = false; }
      }, { hidden: !this.#mayType });
      const list = h("ul", {});
      const hint = h("p", { className: "hint" });
      const element = h("section", { aria: { labelledby: title.id } }, h("div", { className: "group" }, title, kind, add), list, hint);
      return Object.assign(element, { parts: { kind, add, list, hint } });
    });
    const { kind, list, hint, add } = group.parts;
    setText(kind, ns.kind && ns.kind !== "kernel" ? ns.kind : "");
    setText(hint, ns.error ? `It does not answer: ${ns.error}` : ns.terminals.length === 0 ? "no terminal" : "");
    hint.hidden = !hint.textContent;
    add.hidden = !this.#mayType || Boolean(ns.error) || ns.kind === "virtual"; // whose programs open terminals themselves
    this.#place(list, ns.terminals.map(t => this.#terminal(ns, t)));
    return group;
  }

  #terminal(ns, t) {
    const id = `${ns.name}/${t.index}`;
    const row = this.#keep(id, () => {
      const parts = {};
      const number = h("span", { className: "number", aria: { hidden: "true" } }, String(t.index));
      const name = h("span", { className: "name" }), about = h("span", { className: "about" });
      const main = h("button", { type: "button", className: "open", onclick: () => this.#on.open(ns.name, t.index, { serial: parts.serial }) },
        number, h("span", { className: "lines" }, name, about), h("span", { className: "busy", aria: { hidden: "true" } }));
      const look = button("eye", `Look on at ${id}`, () => this.#on.open(ns.name, t.index, { serial: parts.serial, readOnly: true }), { hidden: !this.#mayType });
      const element = h("li", { data: { id } }, main, look);
      Object.assign(parts, { ns: ns.name, index: t.index, main, name, about });
      return Object.assign(element, { parts });
    });
    row.parts.serial = t.serial; // the one that is shown is the one that is opened
    const { main, name, about } = row.parts;
    const n = t.viewers?.length ?? 0;
    setText(name, t.title || t.command || t.opener || "terminal");
    setText(about, [t.title && t.command, `${t.rows}×${t.cols}`, n > 0 && `${n} ${n === 1 ? "viewer" : "viewers"}`, t.recorded && "recorded"].filter(Boolean).join(" · "));
    main.setAttribute("aria-label", `${id}, ${name.textContent}, ${about.textContent}`);
    main.title = (t.viewers ?? []).map(v => `${v.door}${v.name ? ` ${v.name}` : ""}${v.read_only ? " (looking on)" : ""}`).join("\n");
    row.classList.toggle("writing", this.#bytes.has(id) && this.#bytes.get(id) !== t.bytes_out);
    this.#bytes.set(id, t.bytes_out);
    return row;
  }

  // forget drops the rows of what is gone.
  prune(namespaces) {
    const there = new Set(["!", "-"]);
    for (const ns of namespaces) {
      there.add(ns.name);
      for (const t of ns.terminals) there.add(`${ns.name}/${t.index}`);
    }
    for (const map of [this.#rows, this.#bytes]) for (const key of [...map.keys()]) if (!there.has(key)) map.delete(key);
  }

  // mark shows which terminals are open here, and which is in front.
  mark(active) {
    this.active = active;
    this.#mark();
  }

  #mark() {
    for (const li of $("namespaces").querySelectorAll("li")) {
      const { ns, index, serial } = li.parts;
      li.classList.toggle("shown", this.#on.isOpen(ns, index, serial));
      const current = this.active?.is(ns, index, serial) ?? false;
      li.classList.toggle("current", current);
      if (current) li.firstChild.setAttribute("aria-current", "true"); else li.firstChild.removeAttribute("aria-current");
    }
  }

  focus() {
    const e = $("side").querySelector("li.current .open") ?? $("side").querySelector(".open") ?? $("settings-open");
    e.focus();
  }

  #key(e) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[e.key];
    if (!step) return;
    const all = [...$("side").querySelectorAll(".open")];
    const i = all.indexOf(e.target);
    if (i < 0) return;
    all[Math.max(0, Math.min(all.length - 1, i + step))].focus();
    e.preventDefault();
  }
}
