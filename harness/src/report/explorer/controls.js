// Keys, wheel, buttons and filters; and the start of it all.

class Controls {
  constructor(picture) {
    this.picture = picture;
    this.violation = -1;
    this.fault = -1;
    this.waiting = false;
    this.buttons();
    this.filters();
    this.pointer();
    document.addEventListener("keydown", (event) => this.key(event));
    window.addEventListener("resize", () => this.show());
    window.addEventListener("hashchange", () => this.follow());
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.show());
    document.getElementById("listed").addEventListener("toggle", () => showList(picture));
  }

  // Draws once in a frame of the screen, however much changed.
  show() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.picture.draw();
      showList(this.picture);
    });
  }

  look(from, to) {
    const width = Math.min(1, Math.max(1e-9, to - from));
    const start = Math.min(1 - width, Math.max(0, from));
    this.picture.view = { from: start, to: start + width };
    this.show();
  }

  zoom(factor, around) {
    const { from, to } = this.picture.view, middle = around ?? (from + to) / 2;
    this.look(middle - (middle - from) * factor, middle + (to - middle) * factor);
  }

  pan(part) {
    const { from, to } = this.picture.view;
    this.look(from + (to - from) * part, to + (to - from) * part);
  }

  choose(chosen, centred = false) {
    this.picture.chosen = chosen;
    this.picture.cone = null;
    if (chosen !== null && "event" in chosen && centred) this.centre(this.picture.axis.event[chosen.event]);
    showDetails(this.picture);
    this.show();
  }

  // Brings a place of the axis into view.
  centre(part) {
    const { from, to } = this.picture.view;
    if (part > from + (to - from) * 0.05 && part < to - (to - from) * 0.05) return;
    this.look(part - (to - from) / 2, part + (to - from) / 2);
  }

  // The next event that is shown, forwards or backwards.
  step(by) {
    const { picture } = this, { events } = picture.trace;
    const current = picture.chosen !== null && "event" in picture.chosen ? picture.chosen.event : this.before(by);
    for (let i = current + by; i >= 0 && i < events.length; i += by) {
      if (picture.shownEvent[i]) return this.choose({ event: i }, true);
    }
    return undefined;
  }

  // Where stepping begins: at the edge of what is in view.
  before(by) {
    const { axis, view, trace } = this.picture;
    const first = trace.events.findIndex((_, i) => axis.event[i] >= view.from);
    return by > 0 ? first - 1 : trace.events.length;
  }

  nextViolation(by) {
    const { violations } = this.picture.trace;
    if (violations.length === 0) return;
    this.violation = (this.violation + by + violations.length) % violations.length;
    const steps = violations[this.violation].steps.map(([number]) => this.picture.eventOfLine(number)).filter((i) => i >= 0);
    // A fault may have begun long before: what it did is near what nodes did.
    const deeds = steps.filter((i) => this.picture.trace.events[i].lane >= 0);
    this.lookAt(deeds.length > 0 ? deeds : steps);
  }

  nextFault(by) {
    const { faults } = this.picture.trace;
    if (faults.length === 0) return;
    this.fault = (this.fault + by + faults.length) % faults.length;
    const fault = faults[this.fault], { axis } = this.picture;
    this.choose({ event: fault.event });
    if (axis.at !== null) this.lookBetween(axis.at(fault.from), axis.at(fault.to));
  }

  // Shows some events, and chooses the last one.
  lookAt(indices) {
    if (indices.length === 0) return;
    const parts = indices.map((i) => this.picture.axis.event[i]);
    this.choose({ event: indices.at(-1) });
    this.lookBetween(Math.min(...parts), Math.max(...parts));
  }

  lookBetween(from, to) {
    const margin = Math.max((to - from) * 0.25, 2e-4);
    this.look(from - margin, to + margin);
  }

  followMessage() {
    const { picture } = this, { chosen, trace } = picture;
    const of = chosen === null ? null : "event" in chosen ? trace.events[chosen.event] : trace.frames[chosen.frame];
    this.setMessage(picture.message >= 0 || of === null ? -1 : of.message);
  }

  setMessage(message) {
    this.picture.message = message;
    document.getElementById("message").value = message < 0 ? "" : String(message);
    this.refilter();
  }

  showCone() {
    const { picture } = this, { chosen, trace } = picture;
    const has = picture.cone !== null || chosen === null || !("event" in chosen);
    picture.cone = has ? null : coneOf(trace, trace.events[chosen.event]);
    this.show();
  }

  refilter() {
    this.picture.filter();
    this.show();
  }

  letGo() {
    this.picture.text = document.getElementById("text").value = "";
    this.setMessage(-1);
    this.choose(null);
  }

  // What the address asks for: #e=17 is line 17 of the history.
  follow() {
    const asked = /^#e=(\d+)$/.exec(location.hash);
    const i = asked === null ? -1 : this.picture.eventOfLine(Number(asked[1]));
    if (i < 0) return;
    document.getElementById("explorer").scrollIntoView();
    this.lookAt([i]);
  }

  do(what) {
    switch (what) {
      case "in": return this.zoom(0.5);
      case "out": return this.zoom(2);
      case "whole": return this.look(0, 1);
      case "violation": return this.nextViolation(1);
      case "fault": return this.nextFault(1);
      case "help": return document.getElementById("help").showModal();
      case "close": return document.getElementById("help").close();
      default: return undefined;
    }
  }

  key(event) {
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (event.key === "Escape" && typing) event.target.blur();
    if (event.ctrlKey || event.metaKey || event.altKey || typing || document.getElementById("help").open) return;
    const onCanvas = document.activeElement === this.picture.canvas;
    const deeds = {
      "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), "0": () => this.look(0, 1),
      j: () => this.step(1), k: () => this.step(-1), n: () => this.nextViolation(1), p: () => this.nextViolation(-1),
      f: () => this.nextFault(1), F: () => this.nextFault(-1), m: () => this.followMessage(), c: () => this.showCone(),
      "/": () => document.getElementById("text").focus(), "?": () => this.do("help"), Escape: () => this.letGo(),
    };
    if (onCanvas) Object.assign(deeds, { ArrowLeft: () => this.pan(-0.25), ArrowRight: () => this.pan(0.25) });
    const deed = deeds[event.key];
    if (deed === undefined) return;
    event.preventDefault();
    deed();
  }

  buttons() {
    for (const button of document.querySelectorAll("#explorer [data-do]")) {
      button.addEventListener("click", () => this.do(button.dataset.do));
    }
    const { picture } = this;
    document.getElementById("axis").addEventListener("change", (event) => {
      picture.setAxis(event.target.value);
      this.look(0, 1);
    });
    document.getElementById("message").addEventListener("input", (event) => {
      this.setMessage(event.target.value === "" ? -1 : Number(event.target.value));
    });
    document.getElementById("text").addEventListener("input", (event) => {
      picture.text = event.target.value;
      this.refilter();
    });
  }

  filters() {
    const { picture } = this;
    const kinds = [...KINDS, "frame"].map((name, at) => checkbox(name, (on) => {
      if (on) picture.kinds.add(at);
      else picture.kinds.delete(at);
      this.refilter();
    }));
    document.getElementById("kinds").append(...kinds);
    const nodes = picture.trace.nodes.map((name, at) => checkbox(clipped(harmless(name), 24), (on) => {
      if (on) picture.hidden.delete(at);
      else picture.hidden.add(at);
      this.refilter();
    }));
    document.getElementById("nodes").append(...nodes);
  }

  pointer() {
    const { picture } = this, { canvas, strip } = picture;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    canvas.addEventListener("wheel", (event) => {
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.pan(event.deltaX / 1000);
      else this.zoom(event.deltaY > 0 ? 1.25 : 0.8, picture.part(place(event)[0]));
      event.preventDefault();
    }, { passive: false });
    let held = null;
    canvas.addEventListener("pointerdown", (event) => { held = { x: event.clientX, view: picture.view, moved: false }; });
    canvas.addEventListener("pointermove", (event) => {
      if (held === null) return;
      const by = (event.clientX - held.x) / (picture.width - GUTTER) * (held.view.to - held.view.from);
      held.moved ||= Math.abs(event.clientX - held.x) > 3;
      if (held.moved) this.look(held.view.from - by, held.view.to - by);
    });
    window.addEventListener("pointerup", (event) => {
      if (held !== null && !held.moved) this.choose(picture.nearest(...place(event)));
      held = null;
    });
    const jump = (event) => {
      if (event.buttons === 0) return;
      const box = strip.getBoundingClientRect(), { from, to } = picture.view;
      const middle = (event.clientX - box.left) / box.width;
      this.look(middle - (to - from) / 2, middle + (to - from) / 2);
    };
    strip.addEventListener("pointerdown", jump);
    strip.addEventListener("pointermove", jump);
  }
}

function checkbox(name, changed) {
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = true;
  box.addEventListener("change", () => changed(box.checked));
  return element("label", "", [box, document.createTextNode(name)]);
}

async function start() {
  const section = document.getElementById("explorer");
  const begun = performance.now();
  try {
    const picture = new Picture(await load());
    section.hidden = false;
    const controls = new Controls(picture);
    if (picture.trace.violations.length > 0) controls.nextViolation(1);
    controls.follow();
    picture.draw();
    showDetails(picture);
    section.dataset.painted = (performance.now() - begun).toFixed(0);
    const before = performance.now();
    picture.draw();
    section.dataset.redrawn = (performance.now() - before).toFixed(1);
  } catch (error) {
    section.hidden = false;
    section.replaceChildren(element("p", `The trace can't be shown here: ${error.message}. The run's files are beside this page.`));
  }
}

start();
