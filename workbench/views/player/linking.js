// Players beside each other: those whose data name the same `link.group` show the same bar, and one of them is heard.
// What is the same place in two pieces is decided by bars; where one has no such bar it waits at its end.

const leaders = new Map(); // group -> the player that was moved last: the others show its place
const ears = new Map(); // group -> the player that sounds, or will

/** What a player does for the others of its group; one that is in no group has no peers. */
class Linked {
  get group() {
    return this.data?.link?.group;
  }

  /** All players of the group in the order of their sides, this one among them; none where it stands alone. */
  get linked() {
    const { group } = this;
    if (!group) return [];
    return [...players.values()].filter((each) => each.group === group).sort((a, b) => a.side.localeCompare(b.side));
  }

  get peers() {
    return this.linked.filter((each) => each !== this);
  }

  get side() {
    return this.data?.link?.side ?? "";
  }

  /** The player of the group that sounds, or that will when it is asked to. */
  get ear() {
    const { linked } = this;
    const sounding = linked.find(({ sound, wanted }) => sound.playing || wanted);
    return sounding ?? linked.find((each) => each === ears.get(this.group)) ?? linked[0] ?? this;
  }

  /** Which of the group goes to a bar: the one that is heard, or where it has no such bar one that has. */
  guide(measure) {
    const { ear } = this;
    return ear.data.measures >= measure ? ear : (this.linked.find(({ data }) => data.measures >= measure) ?? ear);
  }

  lead() {
    if (!this.group) return;
    leaders.set(this.group, this);
    ears.set(this.group, this);
  }

  /** The place, in quarters here, of another's place: the same bar, and as far into it; the end where there is no such bar. */
  placeOf(other, quarters = other.quarters) {
    return Math.min(this.data.quarters, (quarters / other.data.bar) * this.data.bar);
  }

  /** Stand where another player stands, without a sound. */
  shadow(other) {
    if (this.sound.playing || this.wanted) return;
    const place = this.placeOf(other);
    if (Math.abs(place - this.quarters) > 1e-3) this.move(place);
    else this.paint();
  }

  /** Be heard instead of the one that sounds now, from the same place on and without a gap; if none does, begin. */
  async hear() {
    if (this.sound.playing || !this.data) return;
    if (!this.peers.some(({ sound }) => sound.playing)) {
      await this.togglePlay();
      return;
    }
    active = this;
    try {
      if (this.sound.state !== "ready") this.say("Loading the sound …");
      await Promise.all([this.sound.load(), this.sound.wake()]);
    } catch (problem) {
      this.say(`This browser cannot play the sound: ${problem.message}.`, true);
    }
    const other = this.peers.find(({ sound }) => sound.playing);
    if (!other || this.sound.state !== "ready") return;
    if ((other.quarters / other.data.bar) * this.data.bar > this.data.quarters - 0.05) {
      other.say(`${this.side} has ended before this bar.`);
      return;
    }
    this.sound.takeOver(other.sound, this.secondsAt(this.placeOf(other)));
    this.lead();
    other.paint();
    this.say("");
    this.run();
  }

  /** A button for each linked player, so that one can change over from either. */
  offerEars() {
    const { linked, parts } = this;
    this.offered = linked.length > 1 ? linked : [];
    parts.ears.hidden = !this.offered.length;
    parts.ears.replaceChildren(
      ...this.offered.map((each) => {
        const button = Object.assign(document.createElement("button"), { type: "button", textContent: `Hear ${each.side}` });
        button.title = `Hear ${each.side} from this bar on (X changes over)`;
        button.onclick = () => each.hear();
        return button;
      }),
    );
    this.paint();
  }

  changeOver(event) {
    if (event.defaultPrevented) return; // another player of the group has done it
    if (event.key.toLowerCase() !== "x" || event.ctrlKey || event.metaKey || event.altKey || event.repeat || !this.data) return;
    const { linked } = this;
    const chosen = active?.group === this.group ? active : linked[0];
    if (linked.length < 2 || chosen !== this || (active?.group && active.group !== this.group)) return;
    const focused = event.composedPath()[0];
    if (focused.closest?.("input:not([type=range]), textarea, select, [contenteditable='true'], [role='combobox'], [role='listbox'], [role='dialog']")) return;
    event.preventDefault();
    linked[(linked.indexOf(this.ear) + 1) % linked.length].hear();
  }

  /** Have the others show the place of this one from now on. */
  pointTheWay() {
    if (this.group) leaders.set(this.group, this);
  }

  /** After every change of place: the buttons, and the others. */
  tellPeers() {
    if (this.offered?.length) this.paintEars();
    if (this.group && leaders.get(this.group) === this) for (const peer of this.peers) peer.shadow(this);
  }

  paintEars() {
    const { ear, offered, parts } = this;
    offered.forEach((each, at) => {
      const pressed = String(each === ear);
      if (parts.ears.children[at].ariaPressed !== pressed) parts.ears.children[at].ariaPressed = pressed;
    });
  }

  leave() {
    for (const chosen of [leaders, ears]) if (chosen.get(this.group) === this) chosen.delete(this.group);
  }
}
