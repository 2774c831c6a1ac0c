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
    .map((tile) => ({ tile, video: tile.querySelector("video"), hear: tile.querySelector(".hear"), broken: false }));
  const clock = clockOf(players, seconds, draw);
  let heard = null;
  let before = null;

  function draw() {
    const time = clock.now();
    const waiting = clock.waiting();
    $("time").value = time;
    $("time").setAttribute("aria-valuetext", `${time.toFixed(2)} seconds`);
    $("clock").textContent = `${time.toFixed(2)} s${waiting ? " …" : ""}`;
    const label = clock.playing() ? "Pause" : "Play";
    if ($("play").textContent !== label) $("play").textContent = label;
    const x = `${(100 * time) / seconds}%`;
    for (const mark of marks) { mark.setAttribute("x1", x); mark.setAttribute("x2", x); }
  }

  function hear(player) {
    if (!player || player.tile.hidden) return;
    if (heard && heard !== player) before = heard;
    heard = player;
    clock.hear(player);
    for (const other of players) {
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
    hear(clock.shown()[0]);
    clock.seek(clock.now());
  }

  const click = (id) => $(id) && $(id).click();
  const keys = {
    " ": clock.toggle,
    ArrowLeft: () => clock.seek(clock.now() - 0.5),
    ArrowRight: () => clock.seek(clock.now() + 0.5),
    ",": () => { clock.pause(); clock.seek(clock.now() - frame); },
    ".": () => { clock.pause(); clock.seek(clock.now() + frame); },
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
    const act = keys[event.key] || (/^[1-9]$/.test(event.key) ? () => hear(clock.shown()[Number(event.key) - 1]) : null);
    if (!act) return;
    event.preventDefault();
    act();
  });

  for (const player of players) {
    const { video, tile } = player;
    video.controls = false;
    video.addEventListener("error", () => { tile.querySelector(".trouble").hidden = false; });
    video.addEventListener("click", clock.toggle);
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
  $("play").addEventListener("click", clock.toggle);
  $("time").addEventListener("input", () => clock.seek(Number($("time").value)));
  const rate = () => clock.speed(Number($("speed").value));
  const loop = () => { clock.loop = $("loop").checked; };
  $("speed").addEventListener("change", rate);
  $("loop").addEventListener("change", loop);
  $("captions").addEventListener("change", () => captions($("captions").checked));
  $("ab").addEventListener("click", () => compare($("ab").getAttribute("aria-pressed") !== "true"));
  $("seed")?.addEventListener("change", () => seed($("seed").value));
  for (const drawing of document.querySelectorAll(".wave, .windows")) {
    drawing.addEventListener("click", (event) => {
      const box = drawing.getBoundingClientRect();
      clock.seek(((event.clientX - box.left) / box.width) * seconds);
    });
  }
  document.addEventListener("visibilitychange", () => { if (document.hidden) clock.pause(); });
  captions(false);
  rate(); // a browser may remember what was chosen
  loop();
  if ($("seed")) seed($("seed").value);
  else hear(clock.shown()[0]);
  draw();
})();
