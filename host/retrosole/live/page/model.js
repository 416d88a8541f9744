// What the page knows, from the messages of retrosole.live.feed. Touches no document.

const ROW_N = 24;

export function emptyModel() {
  return { feet: [], hint: null };
}

// Take one message in; a `whole` one replaces everything before.
export function take(model, message) {
  const { feet = [], whole, ...common } = message;
  if (whole) {
    model.feet = feet.map(() => ({ columns: [], strides: [], last: 0 }));
  }
  Object.assign(model, common);
  feet.forEach((news, i) => takeFoot(model.feet[i], news));
}

function takeFoot(foot, news) {
  const { columns, first, strides, restart, ...fields } = news;
  Object.assign(foot, fields, restart && { columns: [], strides: [], last: 0 });
  if (columns) takeColumns(foot, first, columns);
  if (strides) foot.strides = foot.strides.concat(strides).slice(-ROW_N);
}

// Columns are numbered from the session's beginning; numbers left out are a gap.
function takeColumns(foot, first, columns) {
  const gap_n = foot.columns.length ? Math.min(first - foot.last, foot.column_n) : 0;
  foot.columns = foot.columns.concat(Array(gap_n).fill(null), columns).slice(-foot.column_n);
  foot.last = first + columns.length;
}

// The time at the right edge of the traces, in seconds since the first sample.
export function edgeS(foot) {
  return foot.last * foot.column_s;
}
