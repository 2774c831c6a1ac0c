/** All clips of a prompt on one clock. */
(() => {
  const main = document.getElementById("main");
  const seconds = Number(main.dataset.seconds);
  const frame = 1 / Number(main.dataset.fps);
  const $ = (id) => document.getElementById(id);
  const tiles = [...document.querySelectorAll(".player")];
  const lanes = [...document.querySelectorAll(".lane")];
  const marks = [...document.querySelectorAll(".now")];
  const players = tiles
    .filter((tile) => tile.querySelector("video"))
    .map((tile) => ({ tile, video: tile.querySelector("video"), hear: tile.querySelector(".hear"), broken: false, moved: 0 }));
  const far = 0.25; // seconds off the clock from which a clip jumps; below, it is sped up or slowed down
  let heard = null;
  let before = null;
  let playing = false;
  let speed = 1;
  let start = { time: 0, at: 0 }; // the clock: media time and performance.now()

  const shown = () => players.filter((player) => !player.tile.hidden && !player.broken);
  const now = () => Math.min(seconds, playing ? start.time + ((performance.now() - start.at) / 1000) * speed : start.time);
  const set = (time) => { start = { time: Math.max(0, Math.min(seconds, time)), at: performance.now() }; };
  const end = (player) => (Number.isFinite(player.video.duration) ? player.video.duration : seconds);

  /** Puts one clip at a time of the clock; a shorter clip waits at its end. */
  function put(player, time) {
    player.moved = performance.now();
    player.video.currentTime = Math.min(time, Math.max(0, end(player) - 0.001));
  }

  function run(player) {
    player.video.playbackRate = speed;
    if (now() < end(player) - 0.02) player.video.play().catch(() => {});
  }

  function seek(time) {
    set(time);
    for (const player of shown()) put(player, start.time);
    if (playing) for (const player of shown()) run(player);
    draw();
  }

  /** Waits until every clip has its frame at hand, so that all start together. */
  const ready = (player) => player.video.readyState >= 3 || player.broken ? null : new Promise((done) => {
    const go = () => { clearTimeout(late); player.video.removeEventListener("canplay", go); player.video.removeEventListener("error", go); done(); };
    const late = setTimeout(go, 4000);
    player.video.addEventListener("canplay", go);
    player.video.addEventListener("error", go);
  });

  async function play() {
    if (playing || !shown().length) return;
    if (start.time >= seconds - 0.02) set(0);
    for (const player of shown()) {
      player.video.preload = "auto";
      if (player.video.readyState === 0) player.video.load();
    }
    await Promise.all(shown().map(ready));
    for (const player of shown()) if (Math.abs(player.video.currentTime - start.time) > 0.001) put(player, start.time);
    await Promise.all(shown().map(ready));
    set(start.time);
    playing = true;
    for (const player of shown()) run(player);
    $("play").textContent = "Pause";
    requestAnimationFrame(tick);
  }

  function pause() {
    if (!playing) return;
    set(now());
    playing = false;
    for (const player of players) {
      player.video.pause();
      player.video.playbackRate = speed;
    }
    for (const player of shown()) put(player, start.time);
    $("play").textContent = "Play";
    draw();
  }

  /** At each frame: the clock follows the clip that is heard, the others follow the clock. */
  function tick() {
    if (!playing) return;
    if (now() >= seconds - 0.005) {
      if ($("loop").checked) seek(0);
      else { pause(); set(seconds); draw(); return; }
    }
    const lead = heard && !heard.broken && !heard.video.paused && !heard.video.seeking && heard.video.readyState > 2 ? heard : null;
    if (lead && performance.now() - lead.moved > 150) set(lead.video.currentTime);
    for (const player of shown()) {
      const { video } = player;
      if (player === lead || video.seeking || now() >= end(player) - 0.02) continue;
      if (video.paused) { run(player); continue; }
      const off = video.currentTime - now();
      if (Math.abs(off) > far && performance.now() - player.moved > 500) put(player, now() + 0.02);
      const rate = Math.round((1 - Math.max(-0.5, Math.min(0.5, 6 * off))) * 20) / 20; // in steps: each change costs time
      if (video.playbackRate !== rate * speed) video.playbackRate = rate * speed;
    }
    draw();
    requestAnimationFrame(tick);
  }

  function draw() {
    const time = now();
    $("time").value = time;
    $("time").setAttribute("aria-valuetext", `${time.toFixed(2)} seconds`);
    $("clock").textContent = `${time.toFixed(2)} s`;
    const x = `${(100 * time) / seconds}%`;
    for (const mark of marks) { mark.setAttribute("x1", x); mark.setAttribute("x2", x); }
  }

  function hear(player) {
    if (!player || player.tile.hidden) return;
    if (heard && heard !== player) before = heard;
    heard = player;
    for (const other of players) {
      other.video.muted = other !== player;
      other.tile.classList.toggle("heard", other === player);
      other.hear.setAttribute("aria-pressed", String(other === player));
    }
    for (const lane of lanes) lane.classList.toggle("heard", lane.dataset.player === player.tile.dataset.player);
  }

  function captions(on) {
    for (const { video } of players) for (const track of video.textTracks) track.mode = on ? "showing" : "hidden";
  }

  function compare(on) {
    $("players").classList.toggle("ab", on);
    $("ab").setAttribute("aria-pressed", String(on));
  }

  function seed(value) {
    for (const part of document.querySelectorAll("[data-seed]")) part.hidden = part.dataset.seed !== value;
    for (const player of players) if (player.tile.hidden) player.video.pause();
    hear(shown()[0]);
    seek(now());
  }

  const click = (id) => $(id) && $(id).click();
  const keys = {
    " ": () => (playing ? pause() : play()),
    ArrowLeft: () => seek(now() - 0.5),
    ArrowRight: () => seek(now() + 0.5),
    ",": () => { pause(); seek(now() - frame); },
    ".": () => { pause(); seek(now() + frame); },
    x: () => hear(before),
    a: () => click("ab"),
    l: () => click("loop"),
    c: () => click("captions"),
    p: () => click("before"),
    n: () => click("after"),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const within = event.target.closest("input, select, textarea, button, a, summary, video, [tabindex]");
    if (within && (event.key === " " || event.key.startsWith("Arrow") || within.matches("select"))) return;
    const act = keys[event.key] || (/^[1-9]$/.test(event.key) ? () => hear(shown()[Number(event.key) - 1]) : null);
    if (!act) return;
    event.preventDefault();
    act();
  });

  for (const player of players) {
    const { video, tile } = player;
    video.controls = false;
    video.addEventListener("error", () => { player.broken = true; tile.querySelector(".trouble").hidden = false; });
    video.addEventListener("click", () => (playing ? pause() : play()));
    video.addEventListener("dblclick", () => video.requestFullscreen?.());
    player.hear.addEventListener("click", () => hear(player));
  }
  const near = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      if (!isIntersecting) continue;
      if (target.preload === "none") target.preload = "metadata";
      near.unobserve(target);
    }
  }, { rootMargin: "200px" });
  for (const { video } of players) near.observe(video);
  $("play").addEventListener("click", () => (playing ? pause() : play()));
  $("time").addEventListener("input", () => seek(Number($("time").value)));
  $("speed").addEventListener("change", () => {
    set(now());
    speed = Number($("speed").value);
    for (const { video } of players) video.playbackRate = speed;
  });
  $("captions").addEventListener("change", () => captions($("captions").checked));
  $("ab").addEventListener("click", () => compare($("ab").getAttribute("aria-pressed") !== "true"));
  $("seed")?.addEventListener("change", () => seed($("seed").value));
  for (const drawing of document.querySelectorAll(".wave, .windows")) {
    drawing.addEventListener("click", (event) => {
      const box = drawing.getBoundingClientRect();
      seek(((event.clientX - box.left) / box.width) * seconds);
    });
  }
  document.addEventListener("visibilitychange", () => { if (document.hidden) pause(); });
  captions(false);
  if ($("seed")) seed($("seed").value);
  else hear(shown()[0]);
  draw();
})();
