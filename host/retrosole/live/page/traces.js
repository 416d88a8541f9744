// The pressure of each channel over the last seconds, with the stances behind, on a canvas.

import { edgeS } from "./model.js";

const AXIS_PX = 20;
const HEADROOM = 1.08; // so that a peak does not touch the trace above

export function drawTraces(canvas, foot, colours) {
  const { width, height } = canvas.getBoundingClientRect();
  const scale = window.devicePixelRatio || 1;
  if (!width || !height) return;
  fit(canvas, Math.round(width * scale), Math.round(height * scale));
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  const area = { width, height: height - AXIS_PX, window_s: foot.column_n * foot.column_s, edge_s: edgeS(foot) };
  drawStances(pen, area, foot, colours);
  foot.zones.forEach((zone, ch) => drawChannel(pen, area, foot, ch, colours));
  drawAxis(pen, area, colours, foot.ok && !foot.quiet ? "now" : "end");
  for (const [code, time_s] of foot.flags) drawFlag(pen, area, code, time_s, colours);
}

function fit(canvas, width, height) {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
}

function xOf(area, time_s) {
  return area.width * (1 - (area.edge_s - time_s) / area.window_s);
}

function drawStances(pen, area, foot, colours) {
  for (const [start_s, end_s, order] of foot.stances) shade(pen, area, start_s, end_s, colours.order(order));
  if (foot.contact) shade(pen, area, foot.contact[0], area.edge_s, colours.order(foot.contact[1]));
}

function shade(pen, area, start_s, end_s, colour) {
  const left = Math.max(0, xOf(area, start_s));
  const right = Math.min(area.width, xOf(area, end_s));
  if (right <= left) return;
  pen.fillStyle = colour;
  pen.globalAlpha = 0.2;
  pen.fillRect(left, 0, right - left, area.height);
  pen.globalAlpha = 1;
  pen.fillRect(left, area.height - 4, right - left, 4);
}

function drawChannel(pen, area, foot, ch, colours) {
  const each = (area.height - 6) / foot.zones.length;
  const bottom = each * (ch + 1);
  const step = area.width / foot.column_n;
  const offset = foot.column_n - foot.columns.length;
  pen.fillStyle = colours.zone(foot.zones[ch]);
  pen.beginPath();
  foot.columns.forEach((column, i) => {
    if (!column || column[ch] < 0) return;
    const share = (column[ch] - foot.base[ch]) / (foot.span[ch] * HEADROOM);
    const high = Math.max(1, Math.min(1, share) * (each - 3));
    pen.rect((offset + i) * step, bottom - high, step + 0.5, high);
  });
  pen.fill();
  label(pen, foot.names[ch], 4, bottom - each + 3, colours);
}

function label(pen, text, x, y, colours) {
  pen.font = "12px system-ui, sans-serif";
  pen.textBaseline = "top";
  pen.lineWidth = 3;
  pen.strokeStyle = colours.background;
  pen.fillStyle = colours.text;
  pen.strokeText(text, x, y);
  pen.fillText(text, x, y);
}

function drawFlag(pen, area, code, time_s, colours) {
  const x = xOf(area, time_s);
  pen.fillStyle = colours.text;
  pen.fillRect(x, 0, 1.5, area.height);
  label(pen, `${code}`, x + 4, area.height - 18, colours);
}

function drawAxis(pen, area, colours, newest) {
  const step_s = area.width < 300 ? 5 : 2;
  for (let ago_s = 0; ago_s < area.window_s; ago_s += step_s) {
    const text = ago_s ? `-${ago_s} s` : newest;
    const x = xOf(area, area.edge_s - ago_s);
    pen.textAlign = ago_s ? "center" : "right";
    label(pen, text, x, area.height + 4, colours);
  }
  pen.textAlign = "left";
}
