"use strict";
(() => {
  const data = JSON.parse(document.getElementById("player-data").textContent);
  const root = document.getElementById("player-root");
  const find = (name) => root.querySelector(`[data-role="${name}"]`);
  const slider = find("time"), select = find("episode"), button = find("play"), probes = data.axes.map((_, i) => find(`probe-${i}`));
  const shape = data.axes.map((axis) => axis.points.length);
  const size = shape.reduce((a, b) => a * b, 1);
  const frames = data.time.length, flows = data.flows.length;
  const BLUES = ["#172546", "#1e3a70", "#265296", "#346db6", "#4a89d0", "#6aa6e2", "#93c2ed", "#c2ddf3"];
  const REDS = ["#f4d1bd", "#eeab8a", "#e1865e", "#cd633d", "#b24526", "#912c1a", "#6c1c15", "#441413"];
  const STOPS = [...BLUES, "#f6f6f6", ...REDS].map((c) => [1, 3, 5].map((i) => parseInt(c.slice(i, i + 2), 16)));
  const MISSING = [201, 204, 209], INK = "#1f2328", SOFT = "#57606a", ORANGE = "#d55e00";
  const SECONDS = 20; // that a whole episode plays for

  // Decoding ----------------------------------------------------------------------------------

  function decode(stored) {
    const text = atob(stored.numbers), bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    const view = new DataView(bytes.buffer);
    const read = stored.bytes === 2 ? (i) => view.getUint16(2 * i, true) : (i) => bytes[i];
    return (i) => { const n = read(i); return n === 0 ? NaN : stored.low + stored.step * (n - 1); };
  }

  for (const variable of data.variables) {
    variable.read = decode(variable);
    const levels = 256 ** variable.bytes - 2;
    variable.limit = Math.max(Math.abs(variable.low), Math.abs(variable.low + variable.step * levels)) || 1;
  }
  const action = decode(data.actions.values);
  const value = (variable, flow, frame, point) =>
    variable.read(((state.episode * flows + flow) * frames + frame) * size + point);

  // State: from the address, as #t=12&episode=2&probe=5.5 (probe=2,3 in two dimensions) --------

  const state = { frame: 0, episode: 0, probe: Math.floor(shape[0] / 2) * (size / shape[0]) + (shape[1] ? shape[1] >> 1 : 0) };
  const nearest = (values, wanted) =>
    values.reduce((best, v, i) => (Math.abs(v - wanted) < Math.abs(values[best] - wanted) ? i : best), 0);

  function readAddress() {
    const given = new URLSearchParams(location.hash.slice(1));
    const time = parseFloat(given.get("t")), episode = data.episodes.indexOf(parseInt(given.get("episode"), 10));
    const probe = (given.get("probe") || "").split(",").map(parseFloat);
    if (Number.isFinite(time)) state.frame = nearest(data.time, time);
    if (episode >= 0) state.episode = episode;
    if (probe.length === shape.length && probe.every(Number.isFinite)) setProbe(probe);
  }

  function setProbe(place) {
    state.probe = place.reduce((index, x, axis) => index * shape[axis] + nearest(data.axes[axis].points, x), 0);
  }

  const probeIndices = () => (shape.length === 1 ? [state.probe] : [Math.floor(state.probe / shape[1]), state.probe % shape[1]]);
  const probePlace = () => probeIndices().map((index, axis) => data.axes[axis].points[index]);

  // Drawing -----------------------------------------------------------------------------------

  function color(v, limit) {
    if (!Number.isFinite(v)) return MISSING;
    const at = Math.min(Math.max((v / limit + 1) / 2, 0), 1) * (STOPS.length - 1), i = Math.min(Math.floor(at), STOPS.length - 2);
    return STOPS[i].map((c, k) => c + (at - i) * (STOPS[i + 1][k] - c));
  }

  function picture(width, height, at, limit) {
    const canvas = document.createElement("canvas");
    canvas.width = width; canvas.height = height;
    const context = canvas.getContext("2d"), image = context.createImageData(width, height);
    for (let y = 0, k = 0; y < height; y++)
      for (let x = 0; x < width; x++, k += 4) {
        const c = color(at(x, y), limit);
        image.data.set([c[0], c[1], c[2], 255], k);
      }
    context.putImageData(image, 0, 0);
    return canvas;
  }

  function prepare(canvas) {
    const ratio = Math.min(window.devicePixelRatio || 1, 2), width = canvas.clientWidth || 280, height = canvas.clientHeight || 280;
    canvas.width = width * ratio; canvas.height = height * ratio;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.clearRect(0, 0, width, height);
    context.font = "11px system-ui, sans-serif"; context.fillStyle = SOFT; context.strokeStyle = "#8c959f"; context.lineWidth = 1;
    return [context, width, height];
  }

  const number = (v) => (Number.isFinite(v) ? String(Number(v.toPrecision(3))) : "none");
  const LEFT = 34, HISTORY = new Map(); // space-time pictures, made once an episode

  function history(variable, flow) {
    const key = `${variable.name} ${flow} ${state.episode}`;
    if (!HISTORY.has(key)) {
      if (HISTORY.size > 24) HISTORY.clear();
      HISTORY.set(key, picture(size, frames, (x, y) => value(variable, flow, frames - 1 - y, x), variable.limit));
    }
    return HISTORY.get(key);
  }

  function drawLine(canvas, variable, flow) {
    const [context, width, height] = prepare(canvas);
    const inner = width - LEFT - 4, top = 6, tall = Math.round(height * 0.4) - top, below = top + tall + 12, deep = height - below - 18;
    const across = (i) => LEFT + (inner * (i + 0.5)) / size, up = (v) => top + (tall * (1 - v / variable.limit)) / 2;
    context.strokeRect(LEFT, top, inner, tall);
    context.textAlign = "right"; context.textBaseline = "middle";
    for (const v of [-variable.limit, 0, variable.limit]) context.fillText(number(v), LEFT - 4, up(v));
    context.beginPath(); context.moveTo(LEFT, up(0)); context.lineTo(LEFT + inner, up(0)); context.stroke();
    context.beginPath(); context.strokeStyle = INK; context.lineWidth = 1.6;
    let drawn = false;
    for (let i = 0; i < size; i++) {
      const v = value(variable, flow, state.frame, i);
      if (!Number.isFinite(v)) { drawn = false; continue; }
      if (drawn) context.lineTo(across(i), up(v)); else context.moveTo(across(i), up(v));
      drawn = true;
    }
    context.stroke();
    context.imageSmoothingEnabled = true;
    context.drawImage(history(variable, flow), LEFT, below, inner, deep);
    context.strokeStyle = "#8c959f"; context.lineWidth = 1; context.strokeRect(LEFT, below, inner, deep);
    const now = below + deep * (1 - (state.frame + 0.5) / frames);
    context.strokeStyle = ORANGE; context.lineWidth = 2;
    context.beginPath(); context.moveTo(LEFT, now); context.lineTo(LEFT + inner, now); context.stroke();
    context.fillText(number(data.time[frames - 1]), LEFT - 4, below + 5);
    context.fillText(number(data.time[0]), LEFT - 4, below + deep - 5);
    context.fillText("t", LEFT - 4, below + deep / 2);
    const points = data.axes[0].points;
    context.textBaseline = "top"; context.textAlign = "left"; context.fillText(number(points[0]), LEFT, below + deep + 4);
    context.textAlign = "right"; context.fillText(number(points[size - 1]), LEFT + inner, below + deep + 4);
    context.textAlign = "center"; context.fillText(data.axes[0].name, LEFT + inner / 2, below + deep + 4);
    context.strokeStyle = ORANGE; context.setLineDash([3, 3]); context.lineWidth = 1;
    context.beginPath(); context.moveTo(across(state.probe), top); context.lineTo(across(state.probe), top + tall); context.stroke();
    canvas.place = (x) => [points[Math.min(size - 1, Math.max(0, Math.floor(((x - LEFT) / inner) * size)))]];
  }

  function drawImage(canvas, variable, flow) {
    const span = data.axes.map((axis) => axis.points[axis.points.length - 1] - axis.points[0] || 1);
    canvas.style.height = `${Math.min(320, ((canvas.clientWidth - LEFT - 4) * span[1]) / span[0] + 24)}px`;
    const [context, width, height] = prepare(canvas);
    const scale = Math.min((width - LEFT - 4) / span[0], (height - 24) / span[1]), inner = span[0] * scale, tall = span[1] * scale;
    const made = picture(shape[0], shape[1], (x, y) => value(variable, flow, state.frame, x * shape[1] + shape[1] - 1 - y), variable.limit);
    context.drawImage(made, LEFT, 4, inner, tall);
    context.strokeRect(LEFT, 4, inner, tall);
    const [x, y] = data.axes;
    context.textAlign = "right"; context.textBaseline = "middle";
    context.fillText(number(y.points[shape[1] - 1]), LEFT - 4, 9); context.fillText(number(y.points[0]), LEFT - 4, tall - 2);
    context.fillText(y.name, LEFT - 4, tall / 2);
    context.textBaseline = "top"; context.textAlign = "left"; context.fillText(number(x.points[0]), LEFT, tall + 8);
    context.textAlign = "right"; context.fillText(number(x.points[shape[0] - 1]), LEFT + inner, tall + 8);
    context.textAlign = "center"; context.fillText(x.name, LEFT + inner / 2, tall + 8);
    const [px, py] = probePlace();
    context.strokeStyle = ORANGE; context.lineWidth = 2; context.beginPath();
    context.arc(LEFT + ((px - x.points[0]) / span[0]) * inner, 4 + tall * (1 - (py - y.points[0]) / span[1]), 4, 0, 7); context.stroke();
    canvas.place = (cx, cy) => [x.points[0] + ((cx - LEFT) / inner) * span[0], y.points[0] + (1 - (cy - 4) / tall) * span[1]];
  }

  function drawActions() {
    const [context, width, height] = prepare(find("actions")), { names, low, high } = data.actions, count = names.length;
    const limit = Math.max(...low.map(Math.abs), ...high.map(Math.abs)), top = 6, tall = height - top - 18, wide = (width - LEFT - 4) / count;
    const up = (v) => top + (tall * (1 - v / limit)) / 2;
    context.strokeRect(LEFT, top, width - LEFT - 4, tall);
    context.textAlign = "right"; context.textBaseline = "middle";
    for (const v of [-limit, 0, limit]) context.fillText(number(v), LEFT - 4, up(v));
    context.beginPath(); context.moveTo(LEFT, up(0)); context.lineTo(width - 4, up(0)); context.stroke();
    context.textAlign = "center"; context.textBaseline = "top";
    const labelled = Math.ceil((count * 40) / (width - LEFT));
    for (let j = 0; j < count; j++) {
      const v = action((state.episode * frames + state.frame) * count + j);
      context.fillStyle = SOFT;
      if (j % labelled === 0) context.fillText(names[j], LEFT + wide * (j + 0.5), height - 14);
      if (!Number.isFinite(v)) continue;
      context.fillStyle = v < 0 ? "#7f3b08" : "#542788";
      context.fillRect(LEFT + wide * (j + 0.15), Math.min(up(v), up(0)), wide * 0.7, Math.max(Math.abs(up(v) - up(0)), 1));
    }
  }

  function draw() {
    const time = data.time[state.frame], episode = data.episodes[state.episode];
    slider.value = String(state.frame); select.value = String(state.episode);
    slider.setAttribute("aria-valuetext", `time ${number(time)} ${data.time_units}`);
    probeIndices().forEach((index, axis) => { probes[axis].value = String(index); });
    find("time-now").textContent = String(Number(time.toPrecision(6)));
    find("episode-now").textContent = String(episode);
    find("probe-now").textContent = probePlace().map((x, i) => `${data.axes[i].name} = ${Number(x.toPrecision(4))}`).join(", ");
    for (const canvas of root.querySelectorAll("canvas[data-flow]")) {
      const variable = data.variables[canvas.dataset.variable];
      (shape.length === 1 ? drawLine : drawImage)(canvas, variable, Number(canvas.dataset.flow));
    }
    for (const cell of root.querySelectorAll("td[data-flow]")) {
      const v = value(data.variables[cell.dataset.variable], Number(cell.dataset.flow), state.frame, state.probe);
      cell.textContent = Number.isFinite(v) ? v.toPrecision(5) : "not there";
    }
    drawActions();
  }

  // Playing, only when asked ------------------------------------------------------------------

  let playing = false, began = 0;
  function play(wanted) {
    playing = wanted;
    button.textContent = playing ? "Pause" : "Play";
    if (!playing) return;
    if (state.frame === frames - 1) state.frame = 0;
    began = performance.now() - (state.frame / frames) * SECONDS * 1000;
    requestAnimationFrame(advance);
  }
  function advance(now) {
    if (!playing) return;
    const wanted = Math.floor(((now - began) / (SECONDS * 1000)) * frames);
    if (wanted !== state.frame) { state.frame = Math.min(Math.max(wanted, 0), frames - 1); draw(); }
    if (state.frame >= frames - 1) play(false); else requestAnimationFrame(advance);
  }

  slider.max = String(frames - 1);
  data.episodes.forEach((episode, i) => select.add(new Option(`start ${episode} of ${data.of}`, String(i))));
  slider.addEventListener("input", () => { play(false); state.frame = Number(slider.value); draw(); });
  select.addEventListener("change", () => { state.episode = Number(select.value); draw(); });
  probes.forEach((probe, axis) => {
    probe.max = String(shape[axis] - 1);
    probe.addEventListener("input", () => {
      setProbe(probes.map((one, i) => data.axes[i].points[Number(one.value)])); draw();
    });
  });
  button.addEventListener("click", () => play(!playing));
  for (const canvas of root.querySelectorAll("canvas[data-flow]"))
    canvas.addEventListener("click", (event) => {
      const box = canvas.getBoundingClientRect();
      setProbe(canvas.place(event.clientX - box.left, event.clientY - box.top)); draw();
    });
  window.addEventListener("hashchange", () => { readAddress(); draw(); });
  window.addEventListener("resize", draw);
  readAddress();
  draw();
})();
