"use strict";
// Shapes in canvases whose cameras move together: one group of canvases for each element of the class "linked". The
// element's JSON has the shapes. One WebGL context draws all canvases of the page, as browsers allow only about 16.
(() => {
const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
// Angles in radians, distance and target in units of the scene's radius.
const START = {turn: 0.5, tilt: 0.3, distance: 2.5, target: [0, 0, 0]};
const NEAREST = 0.2, FARTHEST = 20;

const VERTEX = `#version 300 es
in vec3 position; in vec3 normal; in vec3 color;
uniform mat3 turn; uniform vec3 target, center; uniform vec4 lens; uniform float scale, size;
out vec3 n, c;
void main() {
  vec3 p = turn * (position * scale + center - target) - vec3(0, 0, lens.x);
  n = turn * normal; c = color;
  gl_Position = vec4(p.x * lens.y, p.y * lens.z, -p.z - 2.0 * lens.w, -p.z);
  gl_PointSize = size;
}`;
const FRAGMENT = `#version 300 es
precision highp float;
in vec3 n, c; out vec4 pixel;
void main() {
  float length2 = dot(n, n);
  float facing = length2 > 0.0 ? abs(n.z) * inversesqrt(length2) : 0.8;
  pixel = vec4(c * (0.25 + 0.75 * facing), 1);
}`;

const shared = document.createElement("canvas");
const gl = shared.getContext("webgl2", {antialias: true});
const use = gl && program();
const at = name => gl.getUniformLocation(use, name);
const place = gl && Object.fromEntries(
  ["turn", "target", "center", "lens", "scale", "size"].map(name => [name, at(name)]));
if (gl) {
  gl.useProgram(use);
  gl.enable(gl.DEPTH_TEST);
  gl.enable(gl.SCISSOR_TEST);
  gl.clearColor(0.957, 0.961, 0.969, 1);
}

function program() {
  const made = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made));
  return made;
}

// Normals of the vertices: the sum over faces of their normals, weighted by area.
function normals(p, faces) {
  const n = new Float32Array(p.length);
  for (let f = 0; f < faces.length; f += 3) {
    const [a, b, c] = [3 * faces[f], 3 * faces[f + 1], 3 * faces[f + 2]];
    const [ux, uy, uz] = [p[b] - p[a], p[b + 1] - p[a + 1], p[b + 2] - p[a + 2]];
    const [vx, vy, vz] = [p[c] - p[a], p[c + 1] - p[a + 1], p[c + 2] - p[a + 2]];
    const cross = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
    for (const i of [a, b, c]) for (let k = 0; k < 3; k++) n[i + k] += cross[k];
  }
  return n;
}

// The buffers of a panel, made when it is drawn first.
function loaded(panel) {
  const points = new Uint16Array(bytes(panel.points).buffer), raw = bytes(panel.faces).buffer;
  const faces = points.length / 3 > 65535 ? new Uint32Array(raw) : new Uint16Array(raw);
  const array = gl.createVertexArray();
  gl.bindVertexArray(array);
  const attribute = (name, values, type, normalized) => {
    const index = gl.getAttribLocation(use, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(index);
    gl.vertexAttribPointer(index, 3, type, normalized, 0, 0);
  };
  attribute("position", points, gl.UNSIGNED_SHORT, false);
  attribute("normal", normals(points, faces), gl.FLOAT, false);
  attribute("color", bytes(panel.colors), gl.UNSIGNED_BYTE, true);
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, faces, gl.STATIC_DRAW);
  const type = faces instanceof Uint32Array ? gl.UNSIGNED_INT : gl.UNSIGNED_SHORT;
  return {array, type, faces: faces.length, points: points.length / 3};
}

// Right, up and backward axes of a camera in the scene.
function axes(camera) {
  const [ct, st, cp, sp] = [Math.cos(camera.turn), Math.sin(camera.turn), Math.cos(camera.tilt), Math.sin(camera.tilt)];
  return [[ct, 0, -st], [-st * sp, cp, -ct * sp], [st * cp, sp, ct * cp]];
}

function draw(view, camera) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2), {canvas, panel} = view;
  const [w, h] = [canvas.clientWidth, canvas.clientHeight].map(side => Math.max(1, Math.round(side * ratio)));
  view.made ??= loaded(panel);
  if (shared.width < w) shared.width = w;
  if (shared.height < h) shared.height = h;
  gl.viewport(0, 0, w, h);
  gl.scissor(0, 0, w, h);
  gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
  const turn = axes(camera), zoom = 2.4 * Math.min(1, w / h);
  gl.uniformMatrix3fv(place.turn, false, [0, 1, 2].flatMap(k => turn.map(axis => axis[k])));
  gl.uniform3fv(place.target, camera.target);
  gl.uniform3fv(place.center, panel.low);
  gl.uniform1f(place.scale, panel.step);
  gl.uniform1f(place.size, 2 * ratio);
  gl.uniform4f(place.lens, camera.distance, zoom * h / w, zoom, 0.02 * camera.distance);
  gl.bindVertexArray(view.made.array);
  if (view.made.faces) gl.drawElements(gl.TRIANGLES, view.made.faces, view.made.type, 0);
  else gl.drawArrays(gl.POINTS, 0, view.made.points);
  canvas.width = w;
  canvas.height = h;
  canvas.getContext("2d").drawImage(shared, 0, shared.height - h, w, h, 0, 0, w, h);
}

function group(element) {
  const views = JSON.parse(element.querySelector("script").textContent).panels.map(panel => show(element, panel));
  let camera = structuredClone(START), waiting = false;
  if (!gl) return;
  function redraw() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      views.filter(view => view.visible).forEach(view => draw(view, camera));
    });
  }
  const seen = new IntersectionObserver(entries => {
    for (const entry of entries) views.find(view => view.canvas === entry.target).visible = entry.isIntersecting;
    redraw();
  }, {rootMargin: "200px"});
  new ResizeObserver(redraw).observe(element);
  const zoom = factor => { camera.distance = Math.max(NEAREST, Math.min(FARTHEST, camera.distance * factor)); redraw(); };
  const turn = (right, down) => {
    camera.turn -= 0.008 * right;
    camera.tilt = Math.max(-1.55, Math.min(1.55, camera.tilt + 0.008 * down));
    redraw();
  };
  const move = (right, down, canvas) => {
    const [x, y] = axes(camera), pace = camera.distance / canvas.clientHeight;
    camera.target = camera.target.map((value, k) => value - pace * (right * x[k] - down * y[k]));
    redraw();
  };
  const reset = () => { camera = structuredClone(START); redraw(); };
  for (const {canvas} of views) {
    seen.observe(canvas);
    listen(canvas, {zoom, turn, move, reset});
  }
}

function show(element, panel) {
  const figure = document.createElement("figure"), canvas = document.createElement("canvas");
  const caption = document.createElement("figcaption"), note = document.createElement("small");
  caption.append(panel.caption, document.createElement("br"), note);
  note.textContent = gl ? panel.note : "This browser does not have WebGL 2.";
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", panel.caption);
  figure.append(canvas, caption);
  element.append(figure);
  return {canvas, panel, visible: false, made: null};
}

// Mouse, fingers and keys. The wheel zooms a canvas that was clicked; elsewhere it scrolls the page.
function listen(canvas, {zoom, turn, move, reset}) {
  const fingers = new Map();
  let moving = false;
  const apart = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };
  canvas.oncontextmenu = event => event.preventDefault();
  canvas.onpointerdown = event => {
    canvas.focus({preventScroll: true});
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, {x: event.clientX, y: event.clientY});
    moving = event.button === 2 || event.shiftKey;
  };
  canvas.onpointerup = canvas.onpointercancel = event => { fingers.delete(event.pointerId); };
  canvas.onpointermove = event => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const before = fingers.size === 2 ? apart() : 0;
    const [dx, dy] = [event.clientX - last.x, event.clientY - last.y];
    fingers.set(event.pointerId, {x: event.clientX, y: event.clientY});
    if (fingers.size === 2) zoom(before / Math.max(apart(), 1));
    else if (moving) move(dx, dy, canvas);
    else turn(dx, dy);
  };
  canvas.addEventListener("wheel", event => {
    if (document.activeElement !== canvas) return;
    event.preventDefault();
    zoom(Math.exp(0.001 * event.deltaY));
  }, {passive: false});
  canvas.ondblclick = reset;
  const keys = {
    ArrowLeft: () => turn(15, 0), ArrowRight: () => turn(-15, 0), ArrowUp: () => turn(0, 15),
    ArrowDown: () => turn(0, -15), "+": () => zoom(0.9), "-": () => zoom(1 / 0.9), Home: reset,
  };
  canvas.onkeydown = event => {
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  };
}

document.querySelectorAll(".linked").forEach(group);
})();
