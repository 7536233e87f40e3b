// Turns the scene of a plan in a page without a network. WebGL 2, orthographic.
// A wall's value goes to the pixel as a number and is coloured there from the table, so that the edge
// of a band stands where the value is, however coarse the triangles are.
"use strict";

const VERTEX = `#version 300 es
in vec3 place; in float value;
uniform mat4 view; uniform vec3 low, size;
out vec3 eye; out float wall; out float known;
void main() {
  vec4 p = view * vec4(low + place * size, 1.0);
  eye = p.xyz; known = value < 65534.5 ? 1.0 : 0.0; wall = value;
  gl_Position = p;
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec3 eye; in float wall; in float known;
uniform vec3 colour, stretch; uniform float opacity, coloured;
uniform vec4 range;  // value of 0 and of 65534; ends of the table
uniform sampler2D bands;
out vec4 pixel;
vec3 band(float mm) { return texture(bands, vec2(clamp((mm - range.z) / (range.w - range.z), 0.0, 0.9999), 0.5)).rgb; }
void main() {
  vec3 normal = normalize(cross(dFdx(eye * stretch), dFdy(eye * stretch)));
  vec3 base = colour;
  if (coloured > 0.5) {
    float mm = range.x + wall / 65534.0 * (range.y - range.x);
    base = known > 0.999 ? band(mm) : vec3(0.80, 0.82, 0.84);
    float half_pixel = 0.5 * fwidth(mm);  // a border of bands is a line one pixel wide
    if (known > 0.999 && distance(band(mm - half_pixel), band(mm + half_pixel)) > 0.004) base *= 0.35;
  }
  pixel = vec4(base * (0.36 + 0.64 * abs(normal.z)), opacity);
}`;

async function unpack(text) {
  const raw = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

function program(gl) {
  const made = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  return made;
}

function buffer(gl, target, data) {
  const made = gl.createBuffer();
  gl.bindBuffer(target, made);
  gl.bufferData(target, data, gl.STATIC_DRAW);
  return made;
}

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const mix = (a, x, b, y, c, z) => a.map((v, i) => v * x + b[i] * y + c[i] * z);

class Turntable {
  constructor(box, scene, bytes) {
    this.scene = scene;
    this.canvas = box.querySelector("canvas");
    this.marker = box.querySelector(".marker");
    this.scale = box.querySelector(".scale");
    this.gl = this.canvas.getContext("webgl2", {preserveDrawingBuffer: true, antialias: true});
    if (!this.gl) throw new Error("no WebGL");
    this.program = program(this.gl);
    this.layers = scene.layers.map(layer => this.load(layer, bytes));
    this.table = this.bands(scene.table);
    this.reset();
    this.listen(box);
  }

  load(layer, bytes) {
    const gl = this.gl, vertex = gl.createVertexArray();
    gl.bindVertexArray(vertex);
    const attribute = (name, size, offset, count, normalised) => {
      buffer(gl, gl.ARRAY_BUFFER, new Uint16Array(bytes, offset, count));
      const where = gl.getAttribLocation(this.program, name);
      gl.enableVertexAttribArray(where);
      gl.vertexAttribPointer(where, size, gl.UNSIGNED_SHORT, normalised, 0, 0);
    };
    attribute("place", 3, layer.points, 3 * layer.n, true);
    if (layer.values !== null) attribute("value", 1, layer.values, layer.n, false);
    buffer(gl, gl.ELEMENT_ARRAY_BUFFER, new Uint32Array(bytes, layer.triangles, 3 * layer.t));
    return {...layer, vertex};
  }

  bands(table) {
    const gl = this.gl, made = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, made);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB8, table.length / 3, 1, 0, gl.RGB, gl.UNSIGNED_BYTE, new Uint8Array(table));
    for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
    for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);
    return made;
  }

  reset() { this.yaw = 0; this.pitch = 0; this.zoom = 1; this.draw(); }

  look(name) {
    const side = this.scene.lateral_is_left_of_front ? 1 : -1;
    const [yaw, pitch] = {front: [0, 0], back: [Math.PI, 0], lateral: [-side * Math.PI / 2, 0], medial: [side * Math.PI / 2, 0],
      proximal: [0, Math.PI / 2], distal: [0, -Math.PI / 2]}[name];
    Object.assign(this, {yaw, pitch});
    this.draw();
  }

  // right, up and towards the viewer, as patient vectors
  axes() {
    const {anterior, proximal} = this.scene, right0 = cross(proximal, anterior);
    const flat = mix(anterior, Math.cos(this.yaw), right0, Math.sin(this.yaw), proximal, 0);
    const towards = mix(flat, Math.cos(this.pitch), proximal, Math.sin(this.pitch), proximal, 0);
    const up = mix(proximal, Math.cos(this.pitch), flat, -Math.sin(this.pitch), flat, 0);
    return [cross(up, towards), up, towards];
  }

  draw() {
    const gl = this.gl, c = this.canvas, ratio = window.devicePixelRatio || 1;
    const w = Math.max(1, Math.round(c.clientWidth * ratio)), h = Math.max(1, Math.round(c.clientHeight * ratio));
    if (c.width !== w || c.height !== h) { c.width = w; c.height = h; }
    const [right, up, towards] = this.axes(), s = this.scene;
    const half = s.reach / 2 / this.zoom, halfWide = half * w / h, deep = s.reach * 2;
    const m = s.centre, row = (v, k) => [v[0] / k, v[1] / k, v[2] / k, -dot(v, m) / k];
    const x = row(right, halfWide), y = row(up, half), z = row(towards, -deep);
    const view = [0, 1, 2, 3].flatMap(i => [x[i], y[i], z[i], i === 3 ? 1 : 0]);
    gl.viewport(0, 0, w, h);
    gl.clearColor(1, 1, 1, 1);
    gl.enable(gl.DEPTH_TEST);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.useProgram(this.program);
    const at = name => gl.getUniformLocation(this.program, name);
    gl.uniformMatrix4fv(at("view"), false, view);
    gl.uniform3f(at("stretch"), halfWide, half, -deep);
    gl.uniform4f(at("range"), s.coded[0], s.coded[1], s.shown[0], s.shown[1]);
    gl.bindTexture(gl.TEXTURE_2D, this.table);
    for (const clear of [false, true]) {
      gl[clear ? "enable" : "disable"](gl.BLEND);
      gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
      gl.depthMask(!clear);
      for (const layer of this.layers) {
        if (!layer.show || (layer.opacity < 1) !== clear) continue;
        gl.uniform3fv(at("low"), layer.low);
        gl.uniform3fv(at("size"), layer.size);
        gl.uniform3fv(at("colour"), layer.colour);
        gl.uniform1f(at("opacity"), layer.opacity);
        gl.uniform1f(at("coloured"), layer.values === null ? 0 : 1);
        gl.bindVertexArray(layer.vertex);
        gl.drawElements(gl.TRIANGLES, 3 * layer.t, gl.UNSIGNED_INT, 0);
      }
    }
    gl.depthMask(true);
    this.words([right, up, towards], c.clientHeight / (2 * half));
  }

  words([right, up, towards], pixelsPerMm) {
    const s = this.scene, parts = [];
    const ways = [[s.anterior, "anterior"], [mix(s.anterior, -1, s.anterior, 0, s.anterior, 0), "posterior"],
      [s.lateral, s.words[0]], [mix(s.lateral, -1, s.lateral, 0, s.lateral, 0), s.words[1]], [s.proximal, "proximal"]];
    for (const [way, word] of ways) {
      const px = dot(way, right), py = -dot(way, up), depth = dot(way, towards);
      if (Math.hypot(px, py) < 0.35) continue;
      const x = 60 + 34 * px, y = 60 + 34 * py, anchor = px > 0.3 ? "start" : px < -0.3 ? "end" : "middle";
      parts.push(`<path d="M60 60L${x} ${y}" stroke="${depth < -0.01 ? "#a9b4bc" : "#12405e"}" stroke-width="2"/>`,
        `<text x="${60 + 40 * px}" y="${64 + 44 * py}" text-anchor="${anchor}">${word}</text>`);
    }
    this.marker.innerHTML = parts.join("");
    this.scale.style.width = `${20 * pixelsPerMm}px`;
  }

  listen(box) {
    let last = null;
    const c = this.canvas;
    c.addEventListener("pointerdown", e => { last = [e.clientX, e.clientY]; c.setPointerCapture(e.pointerId); });
    c.addEventListener("pointermove", e => {
      if (!last) return;
      this.yaw -= (e.clientX - last[0]) * 0.01;
      this.pitch = Math.max(-Math.PI / 2, Math.min(Math.PI / 2, this.pitch + (e.clientY - last[1]) * 0.01));
      last = [e.clientX, e.clientY];
      this.draw();
    });
    c.addEventListener("pointerup", () => { last = null; });
    c.addEventListener("dblclick", () => this.reset());
    c.addEventListener("wheel", e => {
      e.preventDefault();
      this.zoom = Math.max(0.5, Math.min(12, this.zoom * Math.exp(-e.deltaY * 0.001)));
      this.draw();
    }, {passive: false});
    c.addEventListener("keydown", e => {
      const step = {ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1]}[e.key];
      if (!step) return;
      e.preventDefault();
      this.yaw += step[0];
      this.pitch = Math.max(-Math.PI / 2, Math.min(Math.PI / 2, this.pitch + step[1]));
      this.draw();
    });
    box.querySelectorAll("button[data-look]").forEach(b => b.addEventListener("click", () => this.look(b.dataset.look)));
    box.querySelectorAll("input[data-layer]").forEach(i => i.addEventListener("change", () => {
      this.layers[Number(i.dataset.layer)].show = i.checked;
      this.draw();
    }));
    window.addEventListener("resize", () => this.draw());
  }
}

async function start() {
  const box = document.getElementById("turntable");
  if (!box) return;
  try {
    const scene = JSON.parse(document.getElementById("scene").textContent);
    window.turntable = new Turntable(box, scene, await unpack(document.getElementById("scene-data").textContent.trim()));
    box.dataset.state = "ready";
  } catch (error) {
    box.dataset.state = "failed";
    box.querySelector(".no-webgl").hidden = false;
  }
}
start();
