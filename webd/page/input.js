// What is typed into a terminal and has not been taken there yet. The server takes so
// much at a time; a big paste waits here, not on the way, so that nothing overtaken by it
// waits with it.

const WINDOW = 64 << 10, CHUNK = 16 << 10, MOST = 8 << 20; // bytes

export class Input {
  #send; #queue = []; #waiting = 0; #onWay = 0;

  constructor(send) { this.#send = send; }

  // put is false, and nothing is typed, when too much waits already.
  put(bytes) {
    if (this.#waiting + bytes.length > MOST) return false;
    for (let i = 0; i < bytes.length; i += CHUNK) this.#queue.push(bytes.subarray(i, i + CHUNK));
    this.#waiting += bytes.length;
    this.#flush();
    return true;
  }

  // typed says that so many bytes were taken.
  typed(bytes) {
    this.#onWay = Math.max(0, this.#onWay - bytes);
    this.#flush();
  }

  // clear forgets everything: after a break nobody knows what was typed of it.
  clear() {
    this.#queue = [];
    this.#waiting = this.#onWay = 0;
  }

  #flush() {
    while (this.#queue.length > 0 && this.#onWay + this.#queue[0].length <= WINDOW) {
      const chunk = this.#queue.shift();
      this.#waiting -= chunk.length;
      this.#onWay += chunk.length;
      this.#send(chunk);
    }
  }
}
