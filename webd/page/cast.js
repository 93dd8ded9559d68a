// Recordings in the asciicast formats v2 and v3, as text: what they say, and when.

const LARGEST = 1000; // rows and columns that are shown

const clamp = (n, most) => Math.max(1, Math.min(most, n | 0));

// parse reads a recording. Its last line may be cut: then it is still being written, or
// its recorder died. Lines that are no events are left out, as players do.
export function parse(text) {
  const lines = text.split("\n");
  let header;
  try { header = JSON.parse(lines[0]); } catch { header = null; }
  if (header?.version !== 2 && header?.version !== 3) throw new Error("this is no asciicast v2 or v3");
  const v3 = header.version === 3;
  const events = [];
  let now = 0;
  for (let i = 1; i < lines.length; i++) {
    if (lines[i][0] !== "[") continue; // empty, or a comment
    let e;
    try { e = JSON.parse(lines[i]); } catch { continue; }
    const [at, code, data] = e;
    if (typeof at !== "number" || typeof code !== "string" || typeof data !== "string") continue;
    // v3 tells the time since the event before, v2 that since the beginning.
    now = v3 ? now + Math.max(0, at) : Math.max(now, at);
    if (code === "o" || code === "r" || code === "x" || code === "m") events.push({ at: now, code, data });
  }
  return {
    rows: clamp(v3 ? header.term?.rows : header.height, LARGEST) || 24,
    cols: clamp(v3 ? header.term?.cols : header.width, LARGEST) || 80,
    title: String(header.title ?? ""),
    command: String(header.command ?? ""),
    start: typeof header.timestamp === "number" ? new Date(header.timestamp * 1000) : null,
    idleLimit: typeof header.idle_time_limit === "number" ? header.idle_time_limit : 0,
    events,
  };
}

// sizeOf reads the data of an event "r".
export function sizeOf(data) {
  const m = /^(\d+)x(\d+)$/.exec(data);
  return m ? { cols: clamp(m[1], LARGEST), rows: clamp(m[2], LARGEST) } : null;
}

// timeline gives each event its time when nothing may last longer than limit seconds; 0
// is no limit. The last number is how long it all takes.
export function timeline(events, limit) {
  const times = new Float64Array(events.length + 1);
  let before = 0, now = 0;
  events.forEach((e, i) => {
    const gap = e.at - before;
    now += limit > 0 ? Math.min(gap, limit) : gap;
    before = e.at;
    times[i] = now;
  });
  times[events.length] = now;
  return times;
}
