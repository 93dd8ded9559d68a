// Requests to the door. What it answers is in the comment of package webd.

export class Refused extends Error {
  constructor(status, code, text) {
    super(text);
    this.status = status;
    this.code = code;
  }
}

// Half of what stands for the token; the other half is a cookie.
const KEY = "ptsns-key";
let key = "";
try { key = localStorage.getItem(KEY) ?? ""; } catch { /* a browser that keeps nothing */ }

function keep(value) {
  key = value;
  try { localStorage.setItem(KEY, key); } catch { /* the same */ }
}

// protocols are the subprotocols of a websocket of ours.
export const protocols = () => key ? ["ptsns.1", `ptsns.key.${key}`] : ["ptsns.1"];

async function ask(path, { headers = {}, ...init } = {}) {
  const response = await fetch(path, { credentials: "same-origin", headers: key ? { ...headers, "Ptsns-Key": key } : headers, ...init });
  if (response.ok) return response;
  let answer = {};
  try { answer = await response.json(); } catch { /* a proxy's own answer */ }
  throw new Refused(response.status, answer.code ?? "", answer.error ?? `the server answered ${response.status}`);
}

const post = (path, body) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const login = async token => keep((await (await post("api/login", { token })).json()).key);
export async function logout() {
  await post("api/logout", {});
  keep("");
}
export const me = async () => (await ask("api/me")).json();
export const open = async (name, rows, cols) =>
  (await post(`api/namespaces/${encodeURIComponent(name)}/terminals`, { rows, cols })).json();
export const recordings = async () => (await ask("api/recordings")).json();
export const recording = async (file, signal) => ask(`api/recordings/${encodeURIComponent(file)}`, { signal });
