// Requests to the door. What it answers is in the comment of package webd.

export class Refused extends Error {
  constructor(status, code, text) {
    super(text);
    this.status = status;
    this.code = code;
  }
}

async function ask(path, init = {}) {
  const response = await fetch(path, { credentials: "same-origin", ...init });
  if (response.ok) return response;
  let answer = {};
  try { answer = await response.json(); } catch { /* a proxy's own answer */ }
  throw new Refused(response.status, answer.code ?? "", answer.error ?? `the server answered ${response.status}`);
}

const post = (path, body) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const login = token => post("api/login", { token });
export const logout = () => post("api/logout", {});
export const me = async () => (await ask("api/me")).json();
export const open = async (name, rows, cols) =>
  (await (await post(`api/namespaces/${encodeURIComponent(name)}/terminals`, { rows, cols })).json()).index;
export const recordings = async () => (await ask("api/recordings")).json();
export const recording = async (file, signal) => ask(`api/recordings/${encodeURIComponent(file)}`, { signal });
