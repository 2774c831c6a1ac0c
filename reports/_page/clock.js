/**
 * One clock for several clips. The clip that is heard leads and is never sped up or slowed down; the others are held to
 * it by small changes of speed. Where one cannot follow (it waits for data, was stopped, drifts), all stop, go to its
 * place, and start again together when each has its frame at hand.
 *
 * `players` are {video, broken, tile}; `changed` is called whenever the time or the state is another. Times in seconds.
 */
function clockOf(players, seconds, changed) {
  const apart = 0.05; // seconds off the clock that must not last
  const close = 0.02; // seconds off the clock that are left alone
  const lasting = 500; // ms for which a clip may be as far off, or more, before all come together again
  const patience = 5000; // ms that all wait for one clip; then they go on without it
  let heard = null;
  let playing = false; // asked to play
  let going = false; // the clips move: false also while they wait for each other
  let speed = 1;
  let start = { time: 0, at: 0 }; // media time, and performance.now() then
  let begun = 0; // performance.now() at the last start
  let ahead = 0.08; // seconds by which a muted clip starts sooner than the one that is heard: measured at every start
  let measured = false;
  let turn = 0; // a newer start or stop makes older waits void

  const shown = () => players.filter((player) => !player.tile.hidden && !player.broken);
  const end = (player) => (Number.isFinite(player.video.duration) ? player.video.duration : seconds);
  const now = () => Math.min(seconds, going ? start.time + ((performance.now() - start.at) / 1000) * speed : start.time);
  const set = (time) => { start = { time: Math.max(0, Math.min(seconds, time)), at: performance.now() }; };
  const able = () => shown().filter((player) => !player.lost);
  const moving = () => able().filter((player) => !player.video.ended && now() < end(player) - 0.1); // a header may lie
  const within = (value, low, high) => Math.max(low, Math.min(high, value));

  /** Puts a clip at a time of the clock; a shorter clip waits at its end. */
  function put(player, time) {
    const to = Math.min(time, Math.max(0, end(player) - 0.001));
    if (Math.abs(player.video.currentTime - to) > 0.001) player.video.currentTime = to;
  }

  /** Waits until a clip has its frame at hand; one that takes too long is lost until it can play. */
  function ready(player) {
    const { video } = player;
    const there = () => player.broken || (!video.seeking && video.readyState >= 3);
    if (there()) return null;
    const events = ["canplay", "seeked", "error"];
    return new Promise((done) => {
      const look = () => { if (there()) leave(); };
      const leave = () => {
        clearTimeout(late);
        for (const event of events) video.removeEventListener(event, look);
        done();
      };
      const late = setTimeout(() => { player.lost = true; leave(); }, patience);
      for (const event of events) video.addEventListener(event, look);
    });
  }

  function halt() {
    turn += 1;
    going = false;
    for (const { video } of players) video.pause();
  }

  /** Brings all clips to one time, and starts them together when the slowest is there. */
  async function gather(time) {
    set(time);
    halt();
    const mine = turn;
    changed();
    for (const player of able()) {
      if (player.video.readyState === 0) { player.video.preload = "auto"; player.video.load(); }
      put(player, start.time);
    }
    await Promise.all(able().map(ready));
    for (const player of able()) put(player, start.time); // where the length was not known before
    await Promise.all(able().map(ready));
    if (mine !== turn) return;
    set(start.time);
    begun = performance.now();
    measured = false;
    going = true;
    const those = moving();
    const wait = those.includes(heard) ? 1000 * ahead : 0;
    for (const player of those) {
      Object.assign(player, { off: 0, mending: 0, near: begun, due: player !== heard && wait > 0 });
      pace(player, player.pace);
      if (player.due) setTimeout(() => { if (mine === turn) run(player); }, wait);
      else run(player);
    }
    requestAnimationFrame(() => tick(mine));
  }

  function run(player) {
    player.due = false;
    player.video.play().catch((error) => { if (error.name === "NotAllowedError") pause(); }); // until a reader clicks
  }

  function play() {
    if (playing || !shown().length) return;
    playing = true;
    for (const player of players) player.lost = false; // asked anew
    gather(start.time >= seconds - 0.02 ? 0 : start.time);
  }

  function pause() {
    if (!playing) return;
    set(now());
    playing = false;
    halt();
    for (const player of shown()) put(player, start.time);
    changed();
  }

  function seek(time) {
    if (playing) { gather(time); return; }
    set(time);
    for (const player of shown()) put(player, start.time);
    changed();
  }

  /** At each frame: the clock follows the clip that is heard, the others follow the clock. */
  function tick(mine) {
    if (mine !== turn) return;
    const those = moving().filter((player) => !player.due);
    if (those.includes(heard)) set(heard.video.currentTime);
    if (now() >= seconds - 0.005) {
      if (clock.loop) { gather(0); return; }
      pause();
      set(seconds);
      changed();
      return;
    }
    if (those.includes(heard) && !measured && performance.now() - begun > 150) {
      const others = those.filter((player) => player !== heard).map((player) => player.video.currentTime - now());
      const mean = others.reduce((sum, off) => sum + off, 0) / (others.length || 1);
      ahead = within(ahead + (0.5 * mean) / speed, 0, 0.15);
      measured = true;
    }
    if (those.some(late)) {
      gather(Math.min(...those.map((player) => player.video.currentTime)));
      return;
    }
    changed();
    requestAnimationFrame(() => tick(mine));
  }

  /** Sets a clip's speed, in steps: each change makes a browser lose some hundredths of a second. */
  function pace(player, rate) {
    player.rate = Math.round(20 * rate) / 20;
    if (player.video.playbackRate !== player.rate * speed) player.video.playbackRate = player.rate * speed;
  }

  /** Holds one clip to the clock by its speed; true where that is not enough. */
  function late(player) {
    const { video } = player;
    if (video.paused || video.readyState < 3) return true;
    if (player === heard) return false;
    player.off += 0.5 * (video.currentTime - now() - player.off); // of two frames: one alone is noise
    const far = Math.abs(player.off);
    if (far < apart) player.near = performance.now();
    if (performance.now() - player.near > lasting) return true;
    if (player.mending && player.off * player.mending <= 0) { // it is there
      player.mending = 0;
      pace(player, player.pace);
    } else if (far > close) {
      player.mending = Math.sign(player.off);
      if (far < 2 * apart && performance.now() - begun > 200) player.pace = within(player.pace - 0.1 * player.off, 0.5, 2); // one that always runs late
      const wanted = player.pace - within(6 * player.off, -0.5, 0.5);
      if (Math.abs(wanted - player.rate) >= 0.1) pace(player, wanted);
    }
    return false;
  }

  for (const player of players) {
    Object.assign(player, { pace: 1, rate: 1, off: 0, mending: 0, near: 0, lost: false });
    player.video.addEventListener("error", () => { player.broken = true; });
    player.video.addEventListener("canplay", () => {
      if (!player.lost) return;
      player.lost = false;
      seek(now()); // it joins the others
    });
  }
  const clock = {
    loop: false,
    now, play, pause, seek, shown,
    toggle: () => (playing ? pause() : play()),
    playing: () => playing,
    waiting: () => playing && !going,
    hear: (player) => {
      heard = player;
      if (!player) return;
      player.pace = 1;
      pace(player, 1);
    },
    speed: (value) => {
      set(now());
      speed = value;
      for (const player of players) pace(player, player.rate);
    },
  };
  return clock;
}
