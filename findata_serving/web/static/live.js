// News of the candles in view: the server's stream of events, followed from where it was left. What belongs here: the
// stream. What does not: what changes on the page (it asks anew for what it shows).

import { authorization } from "./api.js";

// Events come in bursts: one fold changes candles of every width. And the server may give an answer that it made a second
// before (RECHECK_SECONDS in caching.py): who asks sooner may be told what was true before the news, and hear no more.
const CALM_MILLISECONDS = 1_200;
const FIRST_WAIT_MILLISECONDS = 2_000;
const LONGEST_WAIT_MILLISECONDS = 60_000;
const HAS_NO_STREAM = [400, 401, 403, 404];

export class Live {
  /** `onnews` is called after candles of what is followed have changed; `onstate` with true while the stream is open. */
  constructor(onnews, onstate) {
    Object.assign(this, { onnews, onstate, followed: null });
  }

  /** Follow an instrument's candles; the same again goes on. Minutes have no events: the narrowest candles speak for them. */
  follow(instrument, interval) {
    const followed = new URLSearchParams({
      instrument_id: instrument,
      interval: interval === "1m" ? "5m" : interval,
    }).toString();
    if (followed === this.followed) return;
    this.stop();
    this.followed = followed;
    this.asked = new AbortController();
    this.run(followed, this.asked.signal);
  }

  stop() {
    this.followed = null;
    this.asked?.abort();
    clearTimeout(this.timer);
    this.onstate(false);
  }

  async run(followed, signal) {
    let [cursor, wait] = ["", FIRST_WAIT_MILLISECONDS];
    while (!signal.aborted) {
      try {
        const answer = await fetch(`/v1/stream?${followed}`, {
          signal,
          headers: { Accept: "text/event-stream", ...authorization(), ...(cursor ? { "Last-Event-ID": cursor } : {}) },
        });
        if (HAS_NO_STREAM.includes(answer.status)) break;
        if (answer.ok) {
          this.onstate(true);
          wait = FIRST_WAIT_MILLISECONDS;
          cursor = await this.read(answer.body, cursor);
        }
      } catch (error) {
        if (signal.aborted) return;
      }
      this.onstate(false);
      await new Promise((resolve) => setTimeout(resolve, wait));
      wait = Math.min(wait * 2, LONGEST_WAIT_MILLISECONDS);
    }
  }

  /** Read events to the end of a stream; return the id of the last one. */
  async read(body, cursor) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let [last, rest] = [cursor, ""];
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return last;
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const event of events) last = this.take(event) ?? last;
    }
  }

  /** Hear one event: news if it has a name. Return its id. */
  take(event) {
    const fields = Object.fromEntries(
      event
        .split("\n")
        .filter((line) => !line.startsWith(":"))
        .map((line) => {
          const [name, ...value] = line.split(":");
          return [name, value.join(":").trimStart()];
        }),
    );
    if (fields.event) {
      clearTimeout(this.timer);
      this.timer = setTimeout(this.onnews, CALM_MILLISECONDS);
    }
    return fields.id;
  }
}
