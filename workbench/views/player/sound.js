// The sound of a piece: one Ogg file a voice, decoded once, all played on one clock through one gain a voice.

const DECODE_RATE = 32000; // what the server renders at: decoding at the same rate keeps long pieces small

class Sound {
  /** `changed()` is called when loading ends, when something fails, and when the piece has played to its end. */
  constructor(changed) {
    this.changed = changed;
    this.volume = 0.8;
    this.reset();
  }

  reset() {
    this.stop();
    this.abort?.abort();
    this.voices = [];
    this.duration = 0;
    this.offset = 0; // seconds into the piece while nothing plays
    this.loop = null; // {from, to} in seconds
    this.state = "empty"; // empty, loading, ready, failed
    this.problem = "";
    this.loading = null;
  }

  /** Say which files belong to the piece; nothing is fetched yet. */
  open(urls, duration) {
    this.reset();
    this.duration = duration;
    this.voices = urls.map((url) => ({ url, buffer: null, gain: null, level: 1 }));
  }

  /** Fetch and decode all voices, once. Voices that fail are left out and named in `problem`. */
  load() {
    if (this.loading) return this.loading;
    this.state = "loading";
    this.problem = "";
    const abort = (this.abort = new AbortController());
    const voices = this.voices;
    const decoder = new OfflineAudioContext(1, 1, DECODE_RATE);
    const one = async (voice) => {
      const answer = await fetch(voice.url, { signal: abort.signal });
      if (!answer.ok) {
        const told = await answer.json().catch(() => ({}));
        throw new Error([told.error, told.hint].filter(Boolean).join(" ") || `The server answered ${answer.status}.`);
      }
      voice.buffer = await decoder.decodeAudioData(await answer.arrayBuffer());
    };
    this.loading = Promise.allSettled(voices.map(one)).then((results) => {
      if (abort.signal.aborted) return;
      const failed = results.map((result, index) => ({ result, index })).filter(({ result }) => result.status === "rejected");
      this.state = failed.length === results.length ? "failed" : "ready";
      this.missing = failed.map(({ index }) => index);
      this.problem = failed.length ? String(failed[0].result.reason.message || failed[0].result.reason) : "";
      if (this.state === "failed") this.loading = null; // so that pressing play tries again
      this.changed();
    });
    return this.loading;
  }

  get playing() {
    return Boolean(this.passes?.length);
  }

  /** Seconds into the piece that are heard now. */
  get position() {
    if (!this.playing) return this.offset;
    const now = this.context.currentTime - (this.context.outputLatency || 0);
    let pass = this.passes[0];
    for (const next of this.passes) if (next.at <= now) pass = next;
    return Math.min(pass.from + Math.max(0, now - pass.at), pass.to);
  }

  /** Have the clock run; a browser lets it only after a gesture. */
  async wake() {
    this.context ??= new AudioContext();
    if (!this.master) {
      this.master = this.context.createGain();
      this.master.connect(this.context.destination);
      this.setVolume(this.volume);
    }
    await this.context.resume();
  }

  async play() {
    if (this.playing || this.state !== "ready") return;
    await this.wake();
    if (this.playing) return;
    if (this.offset >= this.duration - 0.05) this.offset = this.loop ? this.loop.from : 0;
    this.start(this.offset, 0.06);
  }

  /** Sound from a place on, so many seconds from now; everything is loaded, and the clock runs. */
  start(from, delay) {
    this.offset = from;
    this.passes = [];
    this.schedule(from, this.context.currentTime + delay);
    this.timer = setInterval(() => this.tick(), 100);
  }

  /** Go on in another sound's stead, without a gap: from `from` seconds, which is where the other is now. */
  takeOver(other, from, delay = 0.06) {
    this.start(from + delay + (this.context.outputLatency || 0), delay);
    other.pause(delay);
  }

  /** Start all voices together at clock time `at`, from `from` seconds, to the loop's or the piece's end. */
  schedule(from, at) {
    const looped = this.loop && from < this.loop.to - 0.02;
    const to = looped ? this.loop.to : this.duration;
    // At the end of the piece the last notes may ring out.
    const end = at + ((looped ? to : Math.max(to, ...this.voices.map((voice) => voice.buffer?.duration ?? 0))) - from);
    const sources = [];
    for (const voice of this.voices) {
      if (!voice.buffer) continue;
      if (!voice.gain) {
        voice.gain = this.context.createGain();
        voice.gain.gain.value = voice.level;
        voice.gain.connect(this.master);
      }
      if (from >= voice.buffer.duration) continue;
      const source = this.context.createBufferSource();
      const edge = this.context.createGain(); // a few milliseconds of fade, so that cuts do not click
      source.buffer = voice.buffer;
      source.connect(edge).connect(voice.gain);
      edge.gain.setValueAtTime(0, at);
      edge.gain.linearRampToValueAtTime(1, at + 0.006);
      edge.gain.setValueAtTime(1, Math.max(at + 0.006, end - 0.012));
      edge.gain.linearRampToValueAtTime(0, end);
      source.start(at, from);
      source.stop(end + 0.01);
      sources.push({ source, edge });
    }
    this.passes.push({ at, from, to, end, looped, sources });
  }

  /** Queue the next round of a loop before this one ends, and notice the end of the piece. */
  tick() {
    const last = this.passes[this.passes.length - 1];
    const now = this.context.currentTime;
    if (last.looped && last.end - now < 0.35) this.schedule(this.loop.from, last.end);
    this.passes = this.passes.filter((pass) => pass.end + 0.5 > now || pass === this.passes[this.passes.length - 1]);
    if (!last.looped && now > last.at + (last.to - last.from) + 0.05 && now > last.end - 0.3) {
      this.stop();
      this.offset = 0;
      this.changed();
    }
  }

  /** Fall silent, so many seconds from now, and remember the place. */
  pause(delay = 0) {
    const place = this.position;
    this.stop(delay);
    this.offset = place;
  }

  stop(delay = 0) {
    clearInterval(this.timer);
    for (const pass of this.passes ?? []) {
      for (const { source, edge } of pass.sources) {
        const now = this.context.currentTime + delay;
        edge.gain.cancelScheduledValues(now);
        edge.gain.setTargetAtTime(0, now, 0.008);
        source.stop(now + 0.05);
      }
    }
    this.passes = [];
  }

  /** Go to a place in seconds; plays on from there if it was playing. */
  seek(seconds) {
    const place = Math.min(Math.max(seconds, 0), Math.max(0, this.duration - 0.01));
    if (this.loop && (place < this.loop.from - 0.01 || place > this.loop.to)) this.loop = null;
    const playing = this.playing;
    this.stop();
    this.offset = place;
    if (playing) {
      this.schedule(place, this.context.currentTime + 0.03);
      this.timer = setInterval(() => this.tick(), 100);
    }
  }

  setLoop(loop) {
    const place = this.position;
    this.loop = loop;
    this.seek(loop && (place < loop.from || place >= loop.to - 0.05) ? loop.from : place);
  }

  setVolume(volume) {
    this.volume = volume;
    if (this.master) this.master.gain.setTargetAtTime(volume * volume, this.context.currentTime, 0.015);
  }

  setLevel(index, level) {
    const voice = this.voices[index];
    voice.level = level;
    if (voice.gain) voice.gain.gain.setTargetAtTime(level, this.context.currentTime, 0.015);
  }

  close() {
    this.reset();
    this.context?.close();
    this.context = null;
  }
}
