// Keys, wheel, pointer and small tools of the planner. Numbers come from the server; a distance is read off the picture's millimetres.
"use strict";
(() => {
  const send = (name, ...args) => window.trame.trigger(name, args);
  const el = id => document.getElementById(id);
  let measuring = null, playing = null, under = null, cell = null, drag = null, wheel = 0, probing = 0;

  // place of a pointer in a picture's own units, or null outside the drawn box
  function place(event, svg) {
    const [left, top, w, h] = svg.dataset.box.split(" ").map(Number);
    const [x0, x1, y0, y1] = svg.dataset.range.split(" ").map(Number);
    const p = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const fx = (p.x - left) / w, fy = (p.y - top) / h;
    return fx < 0 || fx > 1 || fy < 0 || fy > 1 ? null : {x: x0 + fx * (x1 - x0), y: y1 - fy * (y1 - y0), px: p.x, py: p.y};
  }

  const pane = event => event.target.closest && event.target.closest("svg.pane");
  const typing = event => /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "range";

  function measure(svg, at) {
    const ns = "http://www.w3.org/2000/svg";
    if (!measuring.from || measuring.svg !== svg) { Object.assign(measuring, {from: at, svg}); return; }
    svg.querySelectorAll(".measure").forEach(n => n.remove());
    const a = measuring.from, line = document.createElementNS(ns, "path"), text = document.createElementNS(ns, "text");
    line.setAttribute("class", "measure"); line.setAttribute("d", `M${a.px} ${a.py}L${at.px} ${at.py}`);
    text.setAttribute("class", "measure distance"); text.setAttribute("style", "fill:#f0e442;stroke:none;font-size:12px;font-weight:bold");
    text.setAttribute("x", at.px + 5); text.setAttribute("y", at.py - 5);
    text.textContent = `${Math.hypot(at.x - a.x, at.y - a.y).toFixed(1)} mm`;
    svg.append(line, text);
    measuring.from = null;
  }

  function tool(name) {
    if (name === "help") el("help-text").hidden = !el("help-text").hidden;
    if (name === "measure") { measuring = measuring ? null : {}; el("measure").classList.toggle("on", !!measuring); }
    if (name === "play") {
      if (playing) { clearInterval(playing); playing = null; }
      else {
        const slide = el("reamer");
        if (Number(slide.value) >= Number(slide.max)) send("reamer", 0);
        playing = setInterval(() => {
          if (Number(slide.value) >= Number(slide.max)) { clearInterval(playing); playing = null; el("play").classList.remove("on"); }
          else send("reamer", Number(slide.value) + 1);
        }, 700);
      }
      el("play").classList.toggle("on", !!playing);
    }
    if (name === "png") shot();
    if (name === "swap") el("pictures").classList.toggle("straightened");
  }

  // one picture alone, or all again; the two maps stay together
  function enlarge(cell) {
    const host = el("pictures"), on = cell && !cell.classList.contains("alone");
    host.querySelectorAll(".alone").forEach(n => n.classList.remove("alone"));
    host.classList.toggle("one", !!on);
    if (!on) return;
    const two = host.dataset.comparing === "1";
    const pair = cell.matches(".map, .native") ? (two ? ".map" : ".map, .native") : [".long", ".straight", ".section"].find(c => cell.matches(c));
    (pair ? host.querySelectorAll(pair) : [cell]).forEach(n => n.classList.add("alone"));
  }

  // -- PNG of one picture, of the 3-D picture, or of all pictures with the numbers
  async function picture(svg, scale) {
    const copy = svg.cloneNode(true), box = svg.viewBox.baseVal;
    const from = [...svg.querySelectorAll("*")], to = [...copy.querySelectorAll("*")];
    from.forEach((n, i) => { const s = getComputedStyle(n); for (const k of ["fill", "stroke", "stroke-width", "paint-order", "font-family"]) to[i].style.setProperty(k, s.getPropertyValue(k)); });
    copy.setAttribute("width", box.width * scale); copy.setAttribute("height", box.height * scale);
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    return load("data:image/svg+xml;charset=utf-8," + encodeURIComponent(new XMLSerializer().serializeToString(copy)));
  }
  const load = src => new Promise((done, fail) => { const i = new Image(); i.onload = () => done(i); i.onerror = fail; i.src = src; });
  function keep(canvas, name) {
    const a = document.createElement("a");
    a.download = name; a.href = canvas.toDataURL("image/png");
    document.body.dataset.lastPng = `${name} ${canvas.width}x${canvas.height}`;
    a.click();
  }
  // the whole page as one SVG: its own styles, what stands in its fields, and the 3-D picture as an image
  async function screen() {
    const root = document.querySelector(".planner"), copy = root.cloneNode(true), fields = "input,select";
    const from = [...root.querySelectorAll(fields)];
    [...copy.querySelectorAll(fields)].forEach((n, i) => {
      if (n.tagName === "SELECT") [...n.options].forEach((o, k) => o.toggleAttribute("selected", k === from[i].selectedIndex));
      else n.setAttribute("value", from[i].value);
    });
    const src = copy.querySelector(".stage .view") && await send("shot");
    if (src) {
      const view = copy.querySelector(".stage .view"), image = document.createElement("img");
      image.src = src;
      image.setAttribute("style", "width:100%;height:100%;object-fit:contain");
      view.replaceChildren(image);
    }
    const style = document.createElement("style"), svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    style.textContent = [...document.querySelectorAll("style")].map(s => s.textContent).join("\n");
    const host = document.createElementNS("http://www.w3.org/2000/svg", "foreignObject");
    for (const n of [svg, host]) { n.setAttribute("width", innerWidth); n.setAttribute("height", innerHeight); }
    copy.style.height = `${innerHeight}px`;
    host.append(style, copy);
    svg.append(host);
    return new XMLSerializer().serializeToString(svg);
  }
  async function shot() {
    const canvas = document.createElement("canvas"), g = canvas.getContext("2d");
    if (under) {
      const i = await picture(under, 2);
      [canvas.width, canvas.height] = [i.width, i.height];
      g.drawImage(i, 0, 0);
      return keep(canvas, `canalfit-${under.dataset.key}.png`);
    }
    const i = await load("data:image/svg+xml;charset=utf-8," + encodeURIComponent(await screen()));
    [canvas.width, canvas.height] = [innerWidth * 2, innerHeight * 2];
    g.scale(2, 2);
    g.drawImage(i, 0, 0, innerWidth, innerHeight);
    keep(canvas, "canalfit-screen.png");
  }

  // how much room (px) each picture has, so that the server draws it to fill it; one alone has larger letters
  const ROOMS = {section: ".section:not(.kept)", long: ".cor:not(.kept)", straight: ".fro", map: ".map:not(.kept)", "kept-map": ".map.kept", native: ".native", diameters: ".diameters"};
  let told = "", telling = 0;
  function rooms(host) {
    const zoom = host.classList.contains("one") ? 1.5 : 1, found = {};
    for (const [name, cell] of Object.entries(ROOMS)) {
      const hold = host.querySelector(`.cell${cell} .hold`);
      if (hold && hold.clientWidth > 40 && hold.clientHeight > 40) found[name] = [Math.round(hold.clientWidth / zoom), Math.round(hold.clientHeight / zoom)];
    }
    return found;
  }
  function fit() {
    const host = el("pictures");
    if (!host || telling || !window.trame || JSON.stringify(rooms(host)) === told) return;
    host.dataset.fitting = 1;
    telling = setTimeout(async () => {
      const found = rooms(host);
      host.dataset.rooms = told = JSON.stringify(found);
      try { await send("room", found); } finally { telling = 0; host.dataset.fitting = 0; fit(); }
    }, 60);
  }
  window.addEventListener("resize", fit);

  document.addEventListener("click", event => {
    if (event.target.closest && event.target.closest("#look-count")) return el("findings-title").scrollIntoView();
    const name = event.target.dataset && event.target.dataset.tool;
    if (name) { if (name === "png") under = null; if (name === "big") { event.target.blur(); return enlarge(event.target.closest(".cell")); } return tool(name); }
    const svg = pane(event), at = svg && place(event, svg);
    if (!at) return;
    if (measuring) return measure(svg, at);
    send("pick", svg.dataset.key, at.x, at.y);
  });
  document.addEventListener("pointermove", event => {
    const svg = pane(event);
    under = svg;
    cell = event.target.closest && event.target.closest(".cell");
    if (drag) {
      const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
      if (Math.hypot(dx, dy) > 6) { send("window", -dy * 4, dx * 8); drag = {x: event.clientX, y: event.clientY}; }
      return;
    }
    if (!svg || Date.now() - probing < 70) return;
    probing = Date.now();
    const at = place(event, svg);
    if (at) send("probe", svg.dataset.key, at.x, at.y);
  });
  document.addEventListener("pointerdown", event => { if (event.button === 2 && pane(event)) drag = {x: event.clientX, y: event.clientY}; });
  document.addEventListener("pointerup", () => { drag = null; });
  document.addEventListener("contextmenu", event => { if (pane(event)) event.preventDefault(); });
  document.addEventListener("wheel", event => {
    if (!pane(event)) return;
    event.preventDefault();
    wheel -= event.deltaY / 100;
    const steps = Math.trunc(wheel);
    if (steps) { wheel -= steps; send("level_step", steps); }
  }, {passive: false});

  // the present level, drawn as a line into every long picture; redrawn when the level or a picture changes
  function cursors() {
    const host = el("pictures");
    if (!host) return;
    fit();
    for (const svg of host.querySelectorAll("svg.pane")) {
      const key = svg.dataset.key;
      if (key.endsWith("section")) continue;
      const y = Number(key.startsWith("kept-long-") ? host.dataset.kept : key.startsWith("long-") ? host.dataset.stem : host.dataset.canal);
      const [left, top, w, h] = svg.dataset.box.split(" ").map(Number), [, , y0, y1] = svg.dataset.range.split(" ").map(Number);
      const py = top + (y1 - y) / (y1 - y0) * h, d = `M${left} ${py}H${left + w}`;
      let line = svg.querySelector(".cursor-line");
      if (!line) { line = document.createElementNS("http://www.w3.org/2000/svg", "path"); line.setAttribute("class", "cursor-line"); svg.append(line); }
      if (line.getAttribute("d") !== d) line.setAttribute("d", d);
    }
  }
  new MutationObserver(cursors).observe(document.documentElement, {subtree: true, childList: true, attributes: true, attributeFilter: ["data-stem", "data-kept", "data-canal", "class"]});

  const PLAIN = {
    "+": ["diameter", 1], "=": ["diameter", 1], "-": ["diameter", -1], "]": ["length", 1], "[": ["length", -1],
    ArrowUp: ["level_step", 1], ArrowDown: ["level_step", -1], PageUp: ["level_step", 10], PageDown: ["level_step", -10],
    Home: ["level_end", "cut"], End: ["level_end", "far"], "<": ["nudge", "along_mm", -0.5], ">": ["nudge", "along_mm", 0.5],
    "1": ["preset", "bone"], "2": ["preset", "soft"], a: ["look", "front"], p: ["look", "back"], l: ["look", "lateral"],
    m: ["look", "medial"], o: ["look", "proximal"], u: ["look", "distal"], c: ["compare"], L: ["lock"], f: ["search"],
    r: ["reset"], t: ["theme"],
  };
  const SHIFT = {ArrowUp: ["anterior_mm", 0.25], ArrowDown: ["anterior_mm", -0.25], ArrowRight: ["lateral_mm", 0.25], ArrowLeft: ["lateral_mm", -0.25]};
  const ALT = {ArrowUp: ["tilt_anterior_deg", 0.25], ArrowDown: ["tilt_anterior_deg", -0.25], ArrowRight: ["tilt_lateral_deg", 0.25], ArrowLeft: ["tilt_lateral_deg", -0.25]};
  document.addEventListener("keydown", event => {
    if (event.key === "Escape") { el("help-text").hidden = true; window.trame.state.set("message", ""); enlarge(null); event.target.blur(); if (measuring) tool("measure"); return; }
    const control = event.ctrlKey || event.metaKey, key = event.key;
    if (control && /^[zys]$/i.test(key)) {
      event.preventDefault();
      return send({z: event.shiftKey ? "redo" : "undo", y: "redo", s: "save"}[key.toLowerCase()]);
    }
    if (control || typing(event)) return;
    const shifted = event.shiftKey && SHIFT[key], tilted = event.altKey && ALT[key];
    if (shifted || tilted) { event.preventDefault(); return send("nudge", ...(shifted || tilted)); }
    if (key === "?") return tool("help");
    if (key === "d") return tool("measure");
    if (key === "g") return tool("png");
    if (key === "x") return tool("swap");
    if (key === "e") return enlarge(cell);
    if (key === " ") { event.preventDefault(); return tool("play"); }
    if (key === "," || key === ".") return send("reamer", Math.max(0, Number(el("reamer").value) + (key === "." ? 1 : -1)));
    const found = PLAIN[key];
    if (found) { if (/^(Arrow|Page|Home|End)/.test(key)) event.preventDefault(); send(...found); }
  });
})();
