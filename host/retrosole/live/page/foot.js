// One foot on the page: its heading, the order of the last stride, the map with its sensors, the table of strides.

import { drawTraces } from "./traces.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 100; // of the map, in the units of its viewBox
const HEIGHT = 168;
const RADIUS = 10; // of a sensor; less where two sit close together
const SHOWN_N = 12; // rows of the table; the style shows as many as there is room for

export function makeFoot(foot) {
  const root = document.getElementById("foot").content.firstElementChild.cloneNode(true);
  const part = (name) => root.querySelector(name);
  root.dataset.side = foot.side;
  part(".side").textContent = foot.side;
  part(".map").setAttribute("aria-label", `${foot.side} foot from above with its sensors`);
  part(".traces").setAttribute("aria-label", `load of each sensor of the ${foot.side} foot over the last seconds`);
  part("table").setAttribute("aria-label", `last strides of the ${foot.side} foot`);
  return { root, part, ...makeMap(part(".map"), foot), newest: "" };
}

// ---- the map

function makeMap(svg, foot) {
  const corners = foot.outline.map(([x, y]) => `${x * WIDTH},${y * HEIGHT}`).join(" ");
  add(svg, "polygon", { class: "outline", points: corners });
  const places = allPlaces(foot);
  const radius = radiusFor(places);
  const discs = places.map((place, ch) => makeDisc(svg, foot, ch, place, radius));
  if (foot.places.includes(null)) svg.setAttribute("viewBox", "-4 -4 108 202");
  const trail = add(svg, "path", { class: "trail" });
  const centre = add(svg, "circle", { class: "centre", r: 4 });
  return { discs, trail, centre };
}

function radiusFor(places) {
  const gaps = places.flatMap((one, i) => places.slice(i + 1).map((other) => distance(one, other)));
  return Math.min(RADIUS, ...gaps.map((gap) => gap / 2 - 0.5));
}

function distance(one, other) {
  return Math.hypot((one[0] - other[0]) * WIDTH, (one[1] - other[1]) * HEIGHT);
}

// A sensor whose site is not on the map stands in a row under the foot.
function allPlaces(foot) {
  let beside_n = 0;
  return foot.places.map((place) => place || [0.1 + 0.25 * beside_n++, 1.09]);
}

function makeDisc(svg, foot, ch, [x, y], radius) {
  const group = add(svg, "g", { class: `sensor ${foot.zones[ch]}`, "data-site": foot.names[ch] });
  add(group, "title", {}).textContent = foot.names[ch];
  const at = { cx: x * WIDTH, cy: y * HEIGHT, r: radius };
  add(group, "circle", { class: "rim", ...at });
  const fill = add(group, "circle", { class: "load", ...at });
  const digits = add(group, "text", { x: x * WIDTH, y: y * HEIGHT });
  return { group, fill, digits };
}

function add(parent, kind, attributes) {
  const element = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return parent.appendChild(element);
}

function drawMap(view, foot) {
  foot.loads.forEach((load, ch) => {
    const { group, fill, digits } = view.discs[ch];
    group.dataset.load = load < 0 ? "" : load;
    fill.style.fillOpacity = load < 0 ? 0 : load / 100;
    digits.textContent = load < 0 ? "--" : load;
  });
  drawTrail(view, foot.trail);
}

// The trail comes in thousandths of the foot, -1 where there is no load that could have a centre.
function drawTrail(view, trail) {
  const points = trail.map(([x, y]) => (y < 0 ? null : `${x * WIDTH / 1000} ${y * HEIGHT / 1000}`));
  view.trail.setAttribute("d", points.map((at, i) => at && (i && points[i - 1] ? `L${at}` : `M${at}`)).join(""));
  const [x, y] = trail.at(-1) || [0, -1];
  view.centre.style.display = y < 0 ? "none" : "";
  view.centre.setAttribute("cx", x * WIDTH / 1000);
  view.centre.setAttribute("cy", y * HEIGHT / 1000);
}

// ---- words

function drawHeading(view, foot) {
  const link = view.part(".link");
  link.textContent = foot.quiet ? `no sample for ${foot.quiet} s` : foot.link;
  view.root.classList.toggle("away", !foot.ok || foot.quiet > 0);
  const health = [foot.lost, foot.battery, foot.cue, foot.fault && `insole says: ${foot.fault}`];
  view.part(".health").textContent = health.filter(Boolean).join(" · ");
  view.part(".health").classList.toggle("warn", Boolean(foot.lost || foot.fault));
}

function drawLast(view, foot) {
  const last = foot.strides.at(-1);
  if (last) {
    view.part(".order").textContent = last.words;
    view.part(".order").dataset.order = last.order;
  }
  view.part(".more").textContent = foot.contact ? onGround(foot.contact) : last ? said(last) : "yet";
}

function onGround([, order, words]) {
  return order === "standing" ? words : `on the ground: ${words}`;
}

function said(row) {
  const heel = row.lowering === "--" ? "" : ` · heel down after ${row.lowering} ms`;
  return `${row.direction}, ${row.stance} ms${heel}`;
}

function drawTable(view, foot) {
  const rows = foot.strides.slice(-SHOWN_N).reverse();
  const newest = rows.map((row) => row.no).join();
  if (newest === view.newest) return;
  view.newest = newest;
  view.part("tbody").replaceChildren(...rows.map(makeRow));
}

function makeRow(row) {
  const line = document.createElement("tr");
  for (const text of [row.no, row.words, row.lift, row.direction, row.stance, row.lowering]) {
    line.insertCell().textContent = text;
  }
  line.cells[1].dataset.order = row.order;
  return line;
}

export function drawFoot(view, foot, colours) {
  drawHeading(view, foot);
  drawLast(view, foot);
  drawMap(view, foot);
  drawTable(view, foot);
  drawTraces(view.part(".traces"), foot, colours);
}
