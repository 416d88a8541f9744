// The page of the live view: messages come in, the newest state is drawn once per picture of the screen.

import { drawFoot, makeFoot } from "./foot.js";
import { emptyModel, take } from "./model.js";
import { Stream } from "./stream.js";

const GONE_S = 10; // after which the program has most likely ended

const model = emptyModel();
const byId = (id) => document.getElementById(id);
const state = { views: [], isPaused: false, isAsked: false, colours: readColours() };

const stream = new Stream({
  onMessage(message) {
    if ("delay_ms" in message) byId("delay").textContent = `delay ${message.delay_ms} ms`;
    else takeMessage(message);
  },
  onSilence(silent_s) {
    const more = silent_s > GONE_S ? " If it has ended, start it again and open the new address." : "";
    if (silent_s) showStale(`This picture is old: nothing comes from the program. Trying again.${more}`, `${silent_s} s`);
    else showStale("");
  },
  onEnd() {
    showStale("The walk has ended. This page can be closed.");
    document.body.classList.add("over");
    for (const button of document.querySelectorAll("button")) button.disabled = true;
  },
});

function takeMessage(message) {
  take(model, message);
  if (message.whole) makeFeet();
  if (!state.isAsked) {
    state.isAsked = true;
    requestAnimationFrame(drawPicture);
  }
}

// ---- drawing

function drawPicture() {
  state.isAsked = false;
  if (!state.isPaused) draw();
  stream.say({ drawn: model.n });
}

function makeFeet() {
  state.views = model.feet.map(makeFoot);
  byId("feet").replaceChildren(...state.views.map((view) => view.root));
  document.body.classList.toggle("single", state.views.length === 1);
}

function draw() {
  byId("elapsed").textContent = model.elapsed;
  byId("walked").textContent = `${model.stride_n} strides, ${model.backward} % backward`;
  byId("recording").textContent = model.recording ? `● recording ${model.recording}` : "not recording";
  byId("recording").classList.toggle("on", Boolean(model.recording));
  byId("record").textContent = model.recording ? "stop" : "record";
  setText(byId("message"), model.message);
  byId("cadence").textContent = model.cadence;
  byId("toe_first").textContent = model.toe_first;
  byId("toe_first_of").textContent = `toe first, of ${model.decided_n}`;
  if (model.feet.every((foot) => !foot.ok || foot.quiet)) byId("delay").textContent = ""; // of nothing that comes
  drawHint();
  state.views.forEach((view, i) => drawFoot(view, model.feet[i], state.colours));
}

// The place of the hint is always there, so that nothing jumps when it comes.
function drawHint() {
  const hint = model.hint || { words: "", detail: `target: ${model.target}`, level: "" };
  const [words, detail] = byId("hint").children;
  byId("hint").dataset.level = hint.level;
  setText(words, hint.words);
  setText(detail, hint.detail);
}

// Written only when it changes: a screen reader says it each time.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// `since` is not read out: it changes each second.
function showStale(text, since = "") {
  const [words, seconds] = byId("stale").children;
  setText(words, text);
  setText(seconds, since);
  byId("stale").hidden = !text;
  document.body.classList.toggle("stale", Boolean(text));
}

// ---- colours, which the style sheet has for light and dark

function readColours() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const zones = Object.fromEntries(["forefoot", "heel", "midfoot", "toes"].map((zone) => [zone, colour(zone)]));
  const grey = colour("grey");
  const orders = { forefoot_first: zones.forefoot, heel_first: zones.heel };
  return {
    text: colour("text"),
    background: colour("background"),
    zone: (zone) => zones[zone] || grey,
    order: (order) => orders[order] || grey,
  };
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  state.colours = readColours();
  redraw();
});
addEventListener("resize", redraw);

function redraw() {
  if (model.feet.length) draw();
}

// ---- buttons and keys

function press(button) {
  if (button.dataset.do === "pause") pause(button);
  else if (button.dataset.sure && !button.classList.contains("sure")) askBack(button);
  else ask(button);
}

function ask(button) {
  stream.say({ ask: button.dataset.ask });
  if (button.dataset.sure) button.unask();
}

function pause(button) {
  state.isPaused = !state.isPaused;
  button.classList.toggle("on", state.isPaused);
  byId("pause").textContent = state.isPaused ? "paused: go on" : "pause";
  document.body.classList.toggle("paused", state.isPaused);
  if (!state.isPaused) redraw();
}

// What ends the walk takes two presses, since a finger slips on a telephone; so does what needs the feet in the air.
// The second press counts for a while.
function askBack(button) {
  const before = [...button.childNodes];
  button.classList.add("sure");
  button.textContent = button.dataset.sure;
  button.unask = () => {
    clearTimeout(waiting);
    button.classList.remove("sure");
    button.replaceChildren(...before);
    setText(byId("asked"), "");
  };
  setText(byId("asked"), `${button.textContent} Press again.`);
  const waiting = setTimeout(button.unask, 1000 * button.dataset.sureS);
}

for (const button of document.querySelectorAll("button")) {
  button.addEventListener("click", (event) => {
    press(button);
    if (event.detail) button.blur(); // pressed by a finger or a mouse: else space would press it again
  });
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === " " && event.target.closest("button")) return; // whoever goes from button to button presses this one
  const button = document.querySelector(`button[data-key="${CSS.escape(event.key)}"]`);
  if (!button) return;
  event.preventDefault();
  press(button);
});
