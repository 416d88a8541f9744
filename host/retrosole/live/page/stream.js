// The stream from the program on this computer: comes again by itself, and knows when it is silent.

const RETRY_MS = [250, 500, 1000, 2000];
const SILENT_MS = 2000; // the program says something every half second, even when nothing changes
const LOOK_MS = 250;

export class Stream {
  // `onMessage` is given each message; `onSilence` the seconds without one, 0 when all is well; `onEnd` nothing.
  constructor({ onMessage, onSilence, onEnd }) {
    this.onMessage = onMessage;
    this.onSilence = onSilence;
    this.onEnd = onEnd;
    this.heard_ms = performance.now();
    this.tries = 0;
    this.isOver = false;
    this.open();
    this.looking = setInterval(() => this.look(), LOOK_MS);
  }

  open() {
    const url = new URL("stream", location.href);
    url.protocol = "ws:";
    this.socket = new WebSocket(url);
    this.socket.onmessage = (event) => this.hear(JSON.parse(event.data));
    this.socket.onclose = () => this.again();
  }

  again() {
    if (this.isOver) return;
    const wait_ms = RETRY_MS[Math.min(this.tries, RETRY_MS.length - 1)];
    this.tries += 1;
    setTimeout(() => this.open(), wait_ms);
  }

  hear(message) {
    this.heard_ms = performance.now();
    this.tries = 0;
    this.onSilence(0);
    if (message.end) this.finish();
    else this.onMessage(message);
  }

  finish() {
    this.isOver = true;
    clearInterval(this.looking);
    this.onEnd();
  }

  look() {
    const silent_ms = performance.now() - this.heard_ms;
    this.onSilence(silent_ms > SILENT_MS ? Math.floor(silent_ms / 1000) : 0);
  }

  say(words) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(words));
  }
}
